"""The documentation site, by ``make docs``: pages of the whole tree, and the reference of the public interface."""

from pathlib import Path

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.highlighting import lexers
from sphinx.util.nodes import make_refnode

from mmrcf import __version__

project = 'mmrcf'
author = 'The authors of mmrcf'
version = release = __version__
root_doc = 'docs/index'
include_patterns = ['*.md', 'docs/*.md', 'data/README.md', 'configs/*/README.md']
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
myst_heading_anchors = 4
lexers['mermaid'] = TextLexer()  # as text: its diagrams are drawn by a script of another host

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_default_options = {'members': True}
napoleon_use_rtype = False

html_theme = 'furo'
html_title = f'mmrcf {__version__}'
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect('missing-reference', link_to_folder)


def link_to_folder(app: Sphinx, env: BuildEnvironment, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """A link to a folder leads to its README; it is plain text where the folder has none."""
    source = Path(app.srcdir).resolve()
    folder = (source / node.get('refdoc', '')).parent / node.get('reftarget', '')
    if not folder.is_dir():
        return None
    page = (folder.resolve().relative_to(source) / 'README').as_posix()
    return make_refnode(app.builder, node['refdoc'], page, None, content) if page in env.found_docs else content

"""The documentation site, by ``make docs``: pages of the whole tree, and the reference of the public interface."""

from mmrcf import __version__

project = 'mmrcf'
author = 'The mmrcf authors'
version = release = __version__
root_doc = 'docs/index'
include_patterns = ['*.md', 'docs/*.md', 'data/README.md', 'configs/*/README.md']
extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
myst_heading_anchors = 4

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_default_options = {'members': True}
napoleon_use_rtype = False

html_theme = 'furo'
html_title = f'mmrcf {__version__}'
html_copy_source = False
html_show_sphinx = False

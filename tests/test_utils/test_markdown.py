import pytest

from mmrcf.errors import InputError, InputFileError
from mmrcf.utils.markdown import markdown_table, write_between_markers


def test_table() -> None:
    assert markdown_table(['a', 'b'], [['1', '2'], ['3', '4']]).splitlines() == [
        '| a | b |',
        '| --- | --- |',
        '| 1 | 2 |',
        '| 3 | 4 |',
    ]


def test_only_what_is_between_the_markers_changes(tmp_path) -> None:
    path = tmp_path / 'README.md'
    path.write_text('a\n<!-- x:start -->\nold\n<!-- x:end -->\n<!-- y:start --><!-- y:end -->\n')
    write_between_markers(path, 'x', 'new\nlines')
    assert path.read_text() == 'a\n<!-- x:start -->\nnew\nlines\n<!-- x:end -->\n<!-- y:start --><!-- y:end -->\n'


@pytest.mark.parametrize(
    'text',
    ['nothing', '<!-- x:start -->', '<!-- x:end --><!-- x:start -->', '<!-- x:start --><!-- x:end --><!-- x:end -->'],
)
def test_missing_markers_are_named_and_the_file_is_kept(tmp_path, text: str) -> None:
    path = tmp_path / 'README.md'
    path.write_text(text)
    with pytest.raises(InputError, match='README.md: expected one line <!-- x:start -->'):
        write_between_markers(path, 'x', 'new')
    assert path.read_text() == text


def test_missing_file(tmp_path) -> None:
    with pytest.raises(InputFileError, match='nope.md'):
        write_between_markers(tmp_path / 'nope.md', 'x', 'new')

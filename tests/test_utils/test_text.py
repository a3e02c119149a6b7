import pytest

from mmrcf.utils import counted


@pytest.mark.parametrize(
    ('number', 'noun', 'text'),
    [
        (1, 'object', '1 object'),
        (0, 'object', '0 objects'),
        (2, 'ignored region', '2 ignored regions'),
        (1, 'box', '1 box'),
        (3, 'box', '3 boxes'),
        (2, 'class', '2 classes'),
        (2, 'entry', '2 entries'),
        (2, 'display', '2 displays'),
    ],
)
def test_a_count_has_its_noun(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text

import numpy as np
import pytest

from mmrcf.visualization import label_text
from mmrcf.visualization.label_text import class_text, draw_text, text_size

CYRILLIC = '\u043a\u043e\u0448\u043a\u0430'
BIRD = '\u9ce5'


@pytest.fixture
def own_font_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts but the one that matplotlib brings, which has no Chinese letters."""
    monkeypatch.setattr('matplotlib.font_manager.fontManager.ttflist', [])
    label_text.font_file.cache_clear()
    yield
    label_text.font_file.cache_clear()


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('disc', 'disc'),
        ('l\xe9ger', 'l\xe9ger'),
        (CYRILLIC, CYRILLIC),
        (BIRD, 'class 4'),
        ('\uff44\uff49\uff53\uff43', 'disc'),  # letters of full width
        (f'{BIRD}x', 'class 4'),
        ('', 'class 4'),
        ('two\nlines', 'two lines'),
    ],
)
def test_what_is_drawn_of_a_name(own_font_only: None, name: str, text: str) -> None:
    assert class_text(name, label=3) == text


@pytest.mark.parametrize('text', ['disc 1 0.90', f'{CYRILLIC} 1 0.90'])
def test_text_stays_inside_its_size(text: str) -> None:
    canvas = np.zeros((80, 400, 3), np.uint8)
    width, height, baseline = text_size(text, 30)
    draw_text(canvas, text, (10, 50), 30, (255, 255, 255))
    rows, columns = np.nonzero(canvas.any(-1))
    assert rows.min() >= 50 - height - 1 and rows.max() <= 50 + baseline + 1
    assert columns.min() >= 9 and columns.max() <= 10 + width + 1
    assert columns.max() - columns.min() > 0.8 * width and rows.max() - rows.min() > 0.6 * height


def test_names_of_another_script_differ_in_the_picture() -> None:
    pictures = []
    for name in (CYRILLIC, CYRILLIC[::-1]):
        canvas = np.zeros((40, 200, 3), np.uint8)
        draw_text(canvas, name, (5, 30), 18, (0, 255, 0))
        pictures.append(canvas)
    assert all(picture.any() for picture in pictures) and (pictures[0] != pictures[1]).any()


def test_text_beyond_the_edge_is_cut() -> None:
    canvas = np.zeros((10, 10, 3), np.uint8)
    for origin in ((-5, 5), (8, 12), (50, 50)):
        draw_text(canvas, CYRILLIC, origin, 30, (255, 0, 0))
    assert canvas.any()

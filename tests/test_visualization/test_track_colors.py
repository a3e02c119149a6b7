import itertools

import cv2
import numpy as np
import pytest

from mmrcf.visualization.track_colors import BASE_COLORS, text_color, track_color

# Linear RGB as people of full deficiency see it (Machado et al., 2009, severity 1).
VISION = {
    'normal': np.eye(3),
    'deuteranopia': [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    'protanopia': [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    'tritanopia': [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def perceived(color: tuple[int, int, int], vision: str) -> np.ndarray:
    """A colour in CIELAB, where a distance of 2 is just visible side by side."""
    values = np.array(color) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISION[vision]) @ linear, 0, 1)
    encoded = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(encoded.astype(np.float32)[None, None], cv2.COLOR_RGB2LAB)[0, 0]


@pytest.mark.parametrize('vision', VISION)
def test_neighbours_are_distinct(vision: str) -> None:
    colors = [perceived(color, vision) for color in BASE_COLORS]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(colors, 2)) > 15
    colors = [perceived(track_color(track_id), vision) for track_id in range(120)]
    assert min(np.linalg.norm(one - other) for one, other in itertools.pairwise(colors)) > 10


def test_colors_are_stable_and_different() -> None:
    assert track_color(5) == track_color(5)
    assert len({track_color(track_id) for track_id in range(200)}) == 200
    assert all(0 <= value <= 255 for track_id in range(1000) for value in track_color(track_id))


def test_text_contrasts() -> None:
    assert text_color((255, 255, 0)) == (0, 0, 0) and text_color((30, 30, 90)) == (255, 255, 255)

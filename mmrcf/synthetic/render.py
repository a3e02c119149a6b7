"""From a plan to pixels: frames with the exact masks of what is visible, and the audio."""

from collections.abc import Iterator

import cv2
import numpy as np

from mmrcf.synthetic.categories import Variant
from mmrcf.synthetic.outlines import coverage, reach
from mmrcf.synthetic.scene import HARD_KINDS, Actor, Scene, background_frame
from mmrcf.synthetic.textures import SKIN_SIZE
from mmrcf.synthetic.voices import SAMPLE_RATE, mixture

GRAIN = 2.5
"""Standard deviation of the sensor noise, of 255."""
GLOW = 0.5
"""How far an object at full loudness turns white."""
BLUR = 0.33
"""Standard deviation of a hard frame's blur, in radii."""
CAMOUFLAGE = 0.78
"""The background's share of a camouflaged object's colour."""
SHATTERED = 0.5
"""The share of a shattered object's blocks that is lost."""


def render_frames(scene: Scene) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Paint a video.

    Yields:
        For every frame the picture, uint8 [height, width, 3] BGR, and the masks of the actors (in the scene's order),
        bool [actors, height, width]: the parts not hidden by others; disjoint. A mask is the sharp shape at the time of
        the frame, whatever blur or other damage the picture of it suffers.
    """
    height, width = scene.size
    rng = np.random.default_rng(scene.grain_seed)
    grain = GRAIN * rng.standard_normal((height + 32, width + 32, 3)).astype(np.float32)
    for frame in range(scene.num_frames):
        backdrop = background_frame(scene, frame).astype(np.float32)
        picture = backdrop.copy()
        masks = np.zeros((len(scene.actors), height, width), bool)
        for index, actor in enumerate(scene.actors):
            _paint(picture, masks, backdrop, actor, index, frame, rng)
        picture *= scene.gains[frame]
        top, left = rng.integers(32, size=2)
        picture += grain[top : top + height, left : left + width]
        np.clip(np.round(picture, out=picture), 0, 255, out=picture)
        yield picture.astype(np.uint8), masks


def render_audio(scene: Scene, variant: Variant) -> np.ndarray:
    """The audio of a video at 16 kHz: int16 [samples], as long as its frames last."""
    voices = [variant.voices[actor.category] for actor in scene.actors]
    num_samples = round(scene.num_frames * SAMPLE_RATE / scene.fps)
    bursts = [actor.bursts for actor in scene.actors]
    return mixture(np.random.default_rng(scene.audio_seed), voices, bursts, num_samples)


def _paint(
    picture: np.ndarray, masks: np.ndarray, backdrop: np.ndarray, actor: Actor, index: int, frame: int,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Put one actor in front of what ``picture`` and ``masks`` show; in place."""
    height, width = picture.shape[:2]
    centre, radius = actor.centres[frame], actor.radii[frame]
    hard = HARD_KINDS[actor.hard[frame]]
    streak = actor.exposure * _velocity(actor.centres, frame)
    # Random numbers are drawn for actors out of sight too, so that no actor changes the noise of others.
    patch_seed = int(rng.integers(2**32))
    margin = int(np.ceil(radius * reach(actor.look) + np.linalg.norm(streak) / 2 + radius * (hard == 'blur'))) + 2
    left, top = (np.floor(centre) - margin).astype(int)
    side = 2 * margin + 2
    rows = slice(max(top, 0), min(top + side, height))
    columns = slice(max(left, 0), min(left + side, width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return

    shape = coverage(actor.look, centre - (left, top), radius, actor.angles[frame], (side, side))
    skin = _skin_patch(actor, frame, centre - (left, top), side)
    if hard == 'camouflage':
        skin = CAMOUFLAGE * _crop(backdrop, top, left, side) + (1 - CAMOUFLAGE) * skin
    elif hard == 'shatter':
        holes = _blocks(patch_seed, side, cell=max(2, round(radius / 3)))[..., None]
        skin = holes * _crop(backdrop, top, left, side) + (1 - holes) * skin
    alpha = shape.astype(np.float32) / 255
    colour = skin * cv2.merge([alpha] * 3)
    if hard == 'blur':
        colour, alpha = (_defocused(image, BLUR * radius) for image in (colour, alpha))
    elif (kernel := _streak_kernel(streak)) is not None:
        colour, alpha = (_streaked(image, kernel) for image in (colour, alpha))

    inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    under = picture[rows, columns]
    under *= cv2.merge([1 - alpha[inner]] * 3)
    under += colour[inner]
    solid = shape[inner] >= 128
    masks[:index, rows, columns] &= ~solid
    masks[index, rows, columns] = solid


def _velocity(centres: np.ndarray, frame: int) -> np.ndarray:
    """Pixels a frame, from the frames before and after: float64 [2]."""
    before, after = max(frame - 1, 0), min(frame + 1, len(centres) - 1)
    return (centres[after] - centres[before]) / max(after - before, 1)


def _skin_patch(actor: Actor, frame: int, centre: np.ndarray, side: int) -> np.ndarray:
    """The actor's texture, turned and scaled into a patch, with flicker and glow: float32 [side, side, 3]."""
    texels = SKIN_SIZE / (4 * actor.radii[frame])
    cos, sin = texels * np.cos(actor.angles[frame]), texels * np.sin(actor.angles[frame])
    linear = np.array([[cos, sin], [-sin, cos]])
    shift = (SKIN_SIZE - 1) / 2 - linear @ centre
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(
        actor.skin, np.column_stack([linear, shift]), (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )
    glow = GLOW * actor.glow[frame]
    lit = np.clip(patch * actor.gains[frame], 0, 255).astype(np.float32)
    return lit * np.float32(1 - glow) + np.float32(255 * glow)


def _crop(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """A square of the image; what lies outside repeats the border."""
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    return image[rows[:, None], columns]


def _blocks(seed: int, side: int, cell: int) -> np.ndarray:
    """A random pattern of square blocks: float32 [side, side], 1 in a block that is lost."""
    count = -(-side // cell)
    lost = np.random.default_rng(seed).random((count, count)) < SHATTERED
    return np.kron(lost, np.ones((cell, cell)))[:side, :side].astype(np.float32)


def _defocused(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)


def _streaked(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_CONSTANT)


def _streak_kernel(streak: np.ndarray) -> np.ndarray | None:
    """A line of the streak's length and direction that sums to 1; None when it is too short to see."""
    length = float(np.linalg.norm(streak))
    if length < 1:
        return None
    half = int(np.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    steps = np.linspace(-0.5, 0.5, 4 * half + 1)
    x, y = half + steps * streak[0], half + steps * streak[1]
    np.add.at(kernel, (np.round(y).astype(int), np.round(x).astype(int)), 1)
    return kernel / kernel.sum()

"""The plan of a video: its objects with their positions, looks and sounds, and its hard frames."""

from dataclasses import dataclass

import cv2
import numpy as np

from mmrcf.synthetic import motion, textures
from mmrcf.synthetic.audio_schedule import Burst, loudness, schedule
from mmrcf.synthetic.categories import Variant

HARD_KINDS = ('', 'blur', 'camouflage', 'shatter')
"""How an object is degraded in a frame; index 0: not at all."""
HARD_SHARE = 0.13
MIN_RADIUS, MAX_RADIUS = 11.0, 24.0
"""Equal-area radii at frames 160 pixels high: outlines of about 18 to 70 pixels across."""
PULSE_SIZE = 0.2
"""How much an object grows at full loudness."""


@dataclass(frozen=True)
class Actor:
    """One object of a video of T frames.

    Attributes:
        category: Index into the variant's classes.
        look: Name of its outline.
        centres: (x, y) in pixels, float64 [T, 2].
        radii: Equal-area radius in pixels, float64 [T], the pulse included.
        angles: Radians, float64 [T].
        glow: 0 (as it is) to 1 (brightest), float64 [T]: the visible pulse.
        gains: Brightness factor, float64 [T]: flicker.
        hard: Index into HARD_KINDS, int64 [T].
        skin: Its texture, float32 [64, 64, 3].
        exposure: Length of the motion blur, in frame intervals.
        bursts: When it sounds.
    """

    category: int
    look: str
    centres: np.ndarray
    radii: np.ndarray
    angles: np.ndarray
    glow: np.ndarray
    gains: np.ndarray
    hard: np.ndarray
    skin: np.ndarray
    exposure: float
    bursts: tuple[Burst, ...]


@dataclass(frozen=True)
class Scene:
    """One video of T frames.

    Attributes:
        size: (height, width) in pixels.
        fps: Frames a second.
        actors: From back to front.
        canvas: The background, uint8 [height, width, 3], larger than the frame.
        camera: Frame -> canvas coordinates, float64 [T, 2, 3].
        gains: Brightness factor of the whole frame, float64 [T].
        grain_seed: Seeds the sensor noise and the noise of hard frames.
        audio_seed: Seeds the voices.
    """

    size: tuple[int, int]
    fps: float
    actors: tuple[Actor, ...]
    canvas: np.ndarray
    camera: np.ndarray
    gains: np.ndarray
    grain_seed: np.random.SeedSequence
    audio_seed: np.random.SeedSequence

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.gains)


def _cast(rng: np.random.Generator, variant: Variant) -> list[str]:
    """The outlines of a video's objects: often several of one kind."""
    names = list(dict.fromkeys(variant.looks))
    weights = np.array([0.14, 0.26, 0.28, 0.2, 0.12][: variant.max_objects])
    cast: list[str] = []
    for _ in range(1 + rng.choice(len(weights), p=weights / weights.sum())):
        again = [name for name in cast if cast.count(name) < variant.max_same_look]
        new = [name for name in names if name not in cast]
        pool = again if again and rng.random() < 0.3 else new
        cast.append(pool[rng.integers(len(pool))])
    return cast


def _crowded(centres: np.ndarray, radius: float, placed: list[tuple[np.ndarray, float]]) -> bool:
    """Whether an object would cover an earlier one in much of the video."""
    for other_centres, other_radius in placed:
        close = np.linalg.norm(centres - other_centres, axis=1) < 0.75 * (radius + other_radius)
        if close.mean() > 0.25:
            return True
    return False


def _hard_frames(rng: np.random.Generator, num_frames: int) -> np.ndarray:
    """Which frames are hard: never the first, never two in a row."""
    hard = np.zeros(num_frames, np.int64)
    draws = rng.random(num_frames)
    kinds = rng.integers(1, len(HARD_KINDS), num_frames)
    for frame in range(1, num_frames):
        if draws[frame] < HARD_SHARE and not hard[frame - 1]:
            hard[frame] = kinds[frame]
    return hard


def plan_scene(
    seed: np.random.SeedSequence, variant: Variant, num_frames: int, size: tuple[int, int], fps: float
) -> Scene:
    """Draw a video from a seed.

    Which of two look-alikes an object is comes from a random stream of its own, so it changes nothing but the voice.

    Args:
        seed: The video's own.
        variant: The benchmark.
        num_frames: Length.
        size: (height, width) in pixels.
        fps: Frames a second.
    """
    look_seed, member_seed, bursts_seed, grain_seed, audio_seed = seed.spawn(5)
    rng = np.random.default_rng(look_seed)
    member_rng = np.random.default_rng(member_seed)
    height, width = size
    unit = min(size) / 160
    looks = _cast(rng, variant)

    margin = 0.3 * max(size)
    canvas_size = (int(height + 2 * margin), int(width + 2 * margin))
    colour = textures.background_colour(rng)
    canvas = textures.background(rng, canvas_size, colour, unit)
    camera = motion.camera(rng, num_frames, size, canvas_size)

    # What pulses by brightness must have room to grow brighter.
    brightest = 170 if variant.pulse else 245
    colours = [colour]
    placed: list[tuple[np.ndarray, float]] = []
    count = motion.num_knots(num_frames)
    bodies = []
    for _ in looks:
        radius = max(5.0, unit * MIN_RADIUS * (MAX_RADIUS / MIN_RADIUS) ** rng.random())
        for _attempt in range(12):
            centres = motion.walk(rng, num_frames, size, radius, unit)
            if not _crowded(centres, radius, placed):
                break
        placed.append((centres, radius))
        colours.append(textures.distinct_colour(rng, colours, brightest))
        spin = rng.uniform(-0.16, 0.16) * np.arange(num_frames)
        bodies.append(
            dict(
                centres=centres,
                radii=radius * np.exp(motion.curve(rng.uniform(-0.22, 0.22, count), num_frames)),
                angles=rng.uniform(0, 2 * np.pi) + spin + motion.curve(rng.uniform(-0.5, 0.5, count), num_frames),
                gains=1 + 0.04 * rng.standard_normal(num_frames),
                hard=_hard_frames(rng, num_frames),
                skin=textures.skin(rng, colours[-1], radius),
                exposure=rng.uniform(0.1, 0.5),
            )
        )
    flash = (rng.random(num_frames) < 0.06) * rng.uniform(-0.25, 0.25, num_frames)
    gains = 1 + 0.03 * rng.standard_normal(num_frames) + flash

    in_view = np.stack([np.all((c >= 0) & (c < [width, height]), axis=1) for c, _ in placed])
    bursts = schedule(np.random.default_rng(bursts_seed), looks, in_view, fps, variant.duet_share)
    times = np.arange(num_frames) / fps
    actors = []
    for look, body, own in zip(looks, bodies, bursts, strict=True):
        members = [index for index, name in enumerate(variant.looks) if name == look]
        category = members[member_rng.integers(len(members))]
        glow = loudness(own, times) if variant.pulse else np.zeros(num_frames)
        body['radii'] = body['radii'] * (1 + PULSE_SIZE * glow)
        actors.append(Actor(category=category, look=look, glow=glow, bursts=own, **body))
    return Scene(size, fps, tuple(actors), canvas, camera, gains, grain_seed, audio_seed)


def background_frame(scene: Scene, frame: int) -> np.ndarray:
    """The background as the camera sees it: uint8 [height, width, 3]."""
    height, width = scene.size
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        scene.canvas, scene.camera[frame], (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )

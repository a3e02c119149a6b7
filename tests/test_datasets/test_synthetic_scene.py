"""The plan and the painting of synthetic videos: masks, hard frames, audio, look-alikes."""

from dataclasses import replace

import numpy as np
import pytest

from mmrcf.synthetic.audio_schedule import loudness, schedule
from mmrcf.synthetic.categories import SHAPES_AV_CLASSES, SHAPES_CLASSES, VARIANTS
from mmrcf.synthetic.outlines import coverage, reach
from mmrcf.synthetic.render import render_audio, render_frames
from mmrcf.synthetic.scene import Scene, plan_scene
from mmrcf.synthetic.voices import MAX_PEAK, SAMPLE_RATE, VOICES, mixture

SIZE = (64, 96)
FPS = 6.0


def plan(seed: int, variant: str = 'shapes', num_frames: int = 24, size: tuple[int, int] = SIZE) -> Scene:
    return plan_scene(np.random.SeedSequence(seed), VARIANTS[variant], num_frames, size, FPS)


def with_actors(scene: Scene, **changes) -> Scene:
    return replace(scene, actors=tuple(replace(actor, **changes) for actor in scene.actors))


def test_classes_look_or_sound_different() -> None:
    shapes, shapes_av = VARIANTS['shapes'], VARIANTS['shapes_av']
    assert len(set(SHAPES_CLASSES)) == len(set(SHAPES_AV_CLASSES)) == 8
    assert len(set(shapes.looks)) == len(set(shapes.voices)) == len(set(shapes_av.voices)) == 8
    assert shapes_av.looks[0::2] == shapes_av.looks[1::2]
    assert len(set(shapes_av.looks)) == 4
    assert {*shapes.voices, *shapes_av.voices} == set(VOICES)


@pytest.mark.parametrize('look', SHAPES_CLASSES)
def test_outlines_have_equal_area_at_any_angle(look: str) -> None:
    side, radius = 120, 22.0
    for angle in (0.0, 0.4, 2.0):
        painted = coverage(look, np.array([59.3, 60.6]), radius, angle, (side, side))
        assert painted.sum() / 255 == pytest.approx(np.pi * radius**2, rel=0.06)
        y, x = np.nonzero(painted)
        assert np.hypot(x - 59.3, y - 60.6).max() <= radius * reach(look) + 1.5


def test_masks_are_the_visible_parts() -> None:
    """Against each object painted alone: in front comes who is later in the list."""
    overlaps = 0
    for seed in range(6):
        scene = plan(seed, num_frames=6)
        alone = [[masks[0] for _, masks in render_frames(replace(scene, actors=(a,)))] for a in scene.actors]
        for frame, (picture, masks) in enumerate(render_frames(scene)):
            assert picture.shape == (*SIZE, 3) and picture.dtype == np.uint8
            assert masks.sum(axis=0).max() <= 1
            hidden = np.zeros(SIZE, bool)
            for index in reversed(range(len(scene.actors))):
                full = alone[index][frame]
                assert np.array_equal(masks[index], full & ~hidden)
                overlaps += bool((full & hidden).any())
                hidden |= full
    assert overlaps > 5


def test_mask_sits_on_its_object() -> None:
    """Where a mask is, the picture differs from the same scene without actors; elsewhere it hardly does."""
    inside, outside = [], []
    for seed in range(5):
        scene = with_actors(plan(seed, num_frames=8), hard=np.zeros(8, np.int64), exposure=0.0)
        empty = [picture.astype(int) for picture, _ in render_frames(replace(scene, actors=()))]
        for (picture, masks), without in zip(render_frames(scene), empty, strict=True):
            covered = masks.any(axis=0)
            difference = np.abs(picture - without).max(axis=2)
            inside.append(difference[covered].mean())
            outside.append(difference[~covered].mean())
    assert np.mean(inside) > 50
    assert np.mean(outside) < 12


def test_hard_frames_are_single_and_hide_only_the_picture() -> None:
    kinds, share = set(), []
    for seed in range(30):
        for actor in plan(seed).actors:
            hard = actor.hard > 0
            assert not hard[0]
            assert not (hard[1:] & hard[:-1]).any()
            kinds |= set(actor.hard[hard].tolist())
            share.append(hard.mean())
    assert kinds == {1, 2, 3}
    assert 0.08 < np.mean(share) < 0.15

    scene = plan(3, num_frames=4)
    clear = list(render_frames(with_actors(scene, hard=np.zeros(4, np.int64))))
    for kind in (1, 2, 3):
        hard = np.array([0, kind, 0, 0])
        for frame, ((picture, masks), (clear_picture, clear_masks)) in enumerate(
            zip(render_frames(with_actors(scene, hard=hard)), clear, strict=True)
        ):
            assert np.array_equal(masks, clear_masks)
            difference = np.abs(picture.astype(int) - clear_picture)[masks.any(axis=0)].mean()
            assert difference > 8 if frame == 1 else difference == 0


def test_look_alikes_differ_by_audio_only() -> None:
    variant = VARIANTS['shapes_av']
    for seed in range(4):
        scene = plan(seed, 'shapes_av', num_frames=8)
        swapped = replace(scene, actors=tuple(replace(a, category=a.category ^ 1) for a in scene.actors))
        for (one, masks), (other, other_masks) in zip(render_frames(scene), render_frames(swapped), strict=True):
            assert np.array_equal(one, other) and np.array_equal(masks, other_masks)
        assert not np.array_equal(render_audio(scene, variant), render_audio(swapped, variant))


def test_members_of_a_pair_are_drawn_evenly_and_apart_from_the_look() -> None:
    categories = [actor.category for seed in range(80) for actor in plan(seed, 'shapes_av', 2, (32, 32)).actors]
    counts = np.bincount(categories, minlength=8)
    assert counts.min() > 0.5 * counts.mean()


def test_pulse_follows_loudness() -> None:
    times = np.arange(24) / FPS
    brighter = []
    for seed in range(6):
        scene = plan(seed, 'shapes_av')
        still = list(render_frames(with_actors(scene, glow=np.zeros(24))))
        for actor in scene.actors:
            assert np.array_equal(actor.glow, loudness(actor.bursts, times))
        for frame, ((lit, masks), (dark, _)) in enumerate(zip(render_frames(scene), still, strict=True)):
            for actor, mask in zip(scene.actors, masks, strict=True):
                if actor.glow[frame] > 0.8 and not actor.hard[frame] and mask.any():
                    brighter.append(lit[mask].mean() - dark[mask].mean())
    assert len(brighter) > 10
    assert min(brighter) > 0
    assert np.mean(brighter) > 40
    assert all(not actor.glow.any() for actor in plan(0, 'shapes').actors)


@pytest.mark.parametrize('cast', ['disc', 'disc disc', 'disc star disc', 'disc star heart disc'])
def test_turns_are_shared_and_look_alikes_never_sound_together(cast: str) -> None:
    looks = cast.split()
    times = np.arange(0, 4, 0.002)
    in_view = np.ones((len(looks), 24), bool)
    for seed in range(40):
        bursts = schedule(np.random.default_rng(seed), looks, in_view, FPS, VARIANTS['shapes_av'].duet_share)
        sounding = np.stack([loudness(own, times) for own in bursts])
        assert sounding.min() >= 0 and sounding.max() <= 1
        on = sounding > 0
        assert on.sum(axis=0).max() <= 2
        assert on[[index for index, look in enumerate(looks) if look == 'disc']].sum(axis=0).max() <= 1
        assert on.mean(axis=1).min() > 0.1
        assert on.any(axis=0).mean() > 0.5


def test_voices_differ_within_a_second() -> None:
    """Nearest mean over loudness and restlessness of the bands tells all voices apart."""
    times = np.arange(15600) / SAMPLE_RATE
    window = np.hanning(400)

    def describe(voice: str, seed: int) -> np.ndarray:
        wave = VOICES[voice](np.random.default_rng(seed), times)
        wave = wave / np.sqrt(np.mean(wave**2))
        spectra = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(wave, 400)[::160] * window))
        bands = np.log(np.stack([part.sum(axis=1) for part in np.array_split(spectra, 40, axis=1)], axis=1) + 0.1)
        return np.concatenate([bands.mean(axis=0), bands.std(axis=0)])

    names = list(VOICES)
    means = np.stack([np.mean([describe(name, seed) for seed in range(6)], axis=0) for name in names])
    for truth, name in enumerate(names):
        for seed in range(6, 12):
            assert np.argmin(np.linalg.norm(means - describe(name, seed), axis=1)) == truth


def test_audio_is_quiet_without_bursts_and_never_clips() -> None:
    silent = mixture(np.random.default_rng(0), ['hum'], [()], 16000)
    assert silent.dtype == np.int16 and np.abs(silent).max() < 0.02 * 32767
    scenes = [plan(seed, variant, size=(32, 32)) for seed in range(8) for variant in VARIANTS]
    loudest = max(
        np.abs(render_audio(scene, variant).astype(int)).max() for scene in scenes for variant in VARIANTS.values()
        if all(variant.looks[actor.category] == actor.look for actor in scene.actors)
    )  # fmt: skip
    assert 0.1 * 32767 < loudest < 2.1 * MAX_PEAK * 32767


def test_objects_leave_and_come_back_and_are_not_alone() -> None:
    returned, doubled, counts = 0, 0, set()
    for seed in range(40):
        scene = plan(seed)
        counts.add(len(scene.actors))
        doubled += len({actor.category for actor in scene.actors}) < len(scene.actors)
        for actor in scene.actors:
            inside = np.all((actor.centres >= 0) & (actor.centres < (SIZE[1], SIZE[0])), axis=1)
            seen = np.flatnonzero(inside)
            returned += bool(len(seen)) and not inside[seen[0] : seen[-1]].all()
    assert counts == {1, 2, 3, 4, 5}
    assert returned >= 10
    assert doubled >= 8

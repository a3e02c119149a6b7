"""When each object of a video sounds, and how loud: one or two at a time, never two of the same look."""

from dataclasses import dataclass

import numpy as np

ATTACK_SECONDS = 0.06
FLOOR = 0.3
"""Loudness between the pulses of an object that sounds; the pulses reach 1."""


@dataclass(frozen=True)
class Burst:
    """A stretch of audio of one object: from ``start`` to ``end`` in seconds, pulsing ``rate`` times a second."""

    start: float
    end: float
    rate: float

    def loudness(self, times: np.ndarray) -> np.ndarray:
        """Loudness in [0, 1] at ``times`` (seconds), 0 outside of the burst."""
        result = np.zeros(len(times))
        on = (times > self.start) & (times < self.end)
        since, left = times[on] - self.start, self.end - times[on]
        ramp = np.clip(np.minimum(since, left) / ATTACK_SECONDS, 0, 1)
        pulse = 0.5 - 0.5 * np.cos(2 * np.pi * self.rate * since)
        result[on] = ramp * (FLOOR + (1 - FLOOR) * pulse)
        return result


def loudness(bursts: tuple[Burst, ...], times: np.ndarray) -> np.ndarray:
    """Loudness of an object in [0, 1] at ``times`` (seconds)."""
    return sum((burst.loudness(times) for burst in bursts), start=np.zeros(len(times)))


def schedule(
    rng: np.random.Generator, looks: list[str], in_view: np.ndarray, fps: float, duet_share: float
) -> list[tuple[Burst, ...]]:
    """Hand the time of a video out to its objects, turn by turn, to the one or two that sounded least so far.

    Two objects of one look never sound together, so the pulse always identifies the source of the audio. Categories are
    not used, so look-alikes can be exchanged without any other change.

    Args:
        rng: Source of randomness.
        looks: The outline of each object.
        in_view: bool [objects, frames], whether the object's centre is inside the frame.
        fps: Frames a second.
        duet_share: How often two objects sound at a time rather than one.

    Returns:
        The bursts of each object.
    """
    duration = in_view.shape[1] / fps
    bursts: list[list[Burst]] = [[] for _ in looks]
    sounded = np.zeros(len(looks))
    start = rng.uniform(0, 0.15)
    while start < duration - 0.3:
        end = min(start + rng.uniform(0.7, 1.3), duration)
        frames = slice(int(start * fps), max(int(start * fps) + 1, round(end * fps)))
        unseen = 1 - in_view[:, frames].mean(axis=1)
        order = np.argsort(sounded + 8 * unseen + rng.uniform(0, 0.3, len(looks)))
        chosen = [order[0]]
        others = [index for index in order[1:] if looks[index] != looks[order[0]]]
        if others and rng.random() < duet_share:
            chosen.append(others[0])
        for index in chosen:
            first, last = start + rng.uniform(0, 0.12), end - rng.uniform(0, 0.12)
            bursts[index].append(Burst(first, last, rng.uniform(1.0, 2.2)))
            sounded[index] += last - first
        start = end + (rng.uniform(0.3, 0.5) if rng.random() < 0.15 else rng.uniform(0, 0.1))
    return [tuple(found) for found in bursts]

"""Builds a data set's pipeline."""

from collections.abc import Callable, Sequence

from mmengine.dataset import Compose

from mmrcf.registry import TRANSFORMS


def build_pipeline(steps: Sequence[dict | Callable] | None) -> Compose:
    """The transforms of a config, one after the other.

    They are built through this project's registry, so that bare names are found whatever the default scope is.
    """
    return Compose([TRANSFORMS.build(step) if isinstance(step, dict) else step for step in steps or []])

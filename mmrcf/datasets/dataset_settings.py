"""Settings that all data sets share."""

from collections.abc import Callable, Mapping, Sequence

from mmengine.dataset import Compose

from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS


def build_pipeline(steps: Sequence[dict | Callable] | None) -> Compose:
    """The transforms of a config, one after the other.

    They are built through this project's registry, so that bare names are found whatever the default scope is.
    """
    return Compose([TRANSFORMS.build(step) if isinstance(step, dict) else step for step in steps or []])


def resolve_prefix(data_prefix: Mapping[str, str] | None, others: tuple[str, ...] = ()) -> dict[str, str]:
    """``data_prefix`` of a config, where ``img`` is the folder of the images; None for the root of the data set.

    Args:
        data_prefix: Folders by key.
        others: Keys that it may have beside ``img``.

    Raises:
        InputError: It has no ``img``, or a key that is not known.
    """
    prefix = dict(data_prefix or {'img': ''})
    if not {'img'} <= set(prefix) <= {'img', *others}:
        expected = ' and '.join(repr(key) for key in ('img', *others))
        raise InputError(f'data_prefix has the keys {sorted(prefix)}, expected {expected} only; correct the config')
    return prefix

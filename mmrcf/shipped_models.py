"""The models that ship with the project, by name: the one table that demo, API, tests and documents use."""

import filecmp
import os
from dataclasses import dataclass
from pathlib import Path

from mmrcf.errors import InputError, InputFileError
from mmrcf.model_index import source_root

DEFAULT_MODEL = 'real'
"""The model for a video of which nothing is known."""


@dataclass(frozen=True)
class ShippedModel:
    """A config with weights in the source tree. Paths are relative to its root.

    Attributes:
        name: What ``--model`` and :func:`~mmrcf.apis.init_model` take.
        config: The config file.
        checkpoint: Its weights.
        class_list: Class names in the order of the labels, or the name of a list of them.
        purpose: What the model detects, in a few words.
        sample: A clip that shows objects of its classes.
    """

    name: str
    config: str
    checkpoint: str
    class_list: str | tuple[str, ...]
    purpose: str
    sample: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the labels."""
        from mmrcf.datasets.classes import resolve_classes  # with torch, which the table does without

        return resolve_classes(self.class_list)

    @property
    def config_path(self) -> Path:
        """The config file of this installation."""
        return source_root() / self.config

    @property
    def checkpoint_path(self) -> Path:
        """The weights of this installation."""
        return source_root() / self.checkpoint

    @property
    def sample_path(self) -> Path:
        """The sample clip of this installation."""
        return source_root() / self.sample

    def files(self) -> tuple[Path, Path]:
        """Config and checkpoint.

        Raises:
            InputFileError: One of them is not in this installation.
        """
        for path in (self.config_path, self.checkpoint_path):
            if not path.is_file():
                raise InputFileError(
                    f'model {self.name}: {path} is missing; use a source tree with its weights, or give a config and a '
                    'checkpoint'
                )
        return self.config_path, self.checkpoint_path


SHIPPED_MODELS = {
    model.name: model
    for model in (
        ShippedModel(
            name='real',
            config='configs/real/rcf_r18_people-animals-vehicles.py',
            checkpoint='demo/checkpoints/rcf_r18_people-animals-vehicles.pth',
            class_list=('person', 'animal', 'vehicle'),
            purpose='people, animals and vehicles in ordinary video',
            sample='demo/photographs.mp4',
        ),
        ShippedModel(
            name='shapes',
            config='configs/shapes/rcf_r18_shapes.py',
            checkpoint='demo/checkpoints/rcf_r18_shapes.pth',
            class_list='shapes',
            purpose='eight synthetic shapes',
            sample='demo/shapes.mp4',
        ),
        ShippedModel(
            name='shapes-av',
            config='configs/shapes/rcf-av_r18_shapes-av.py',
            checkpoint='demo/checkpoints/rcf-av_r18_shapes-av.pth',
            class_list='shapes_av',
            purpose='synthetic shapes whose class is in the audio',
            sample='demo/shapes_av.mp4',
        ),
    )
}
SYNTHETIC_MODELS = ('shapes', 'shapes-av')


def shipped_model(name: str) -> ShippedModel:
    """The model called ``name``; :class:`~mmrcf.errors.InputError` with the known names where there is none."""
    if name not in SHIPPED_MODELS:
        raise InputError(f'model {name}: no such shipped model; choose from {", ".join(SHIPPED_MODELS)}')
    return SHIPPED_MODELS[name]


def suited_model(classes: tuple[str, ...], source: str | int | Path) -> str | None:
    """The shipped model for an input on which a model cannot work; None where nothing is known against the input.

    A model of synthetic classes detects nothing real, so every input but the synthetic sample clips, or copies of them,
    is a mismatch; and those clips are one for every other model.

    Args:
        classes: Class names of the model; empty where unknown.
        source: As in :func:`~mmrcf.media.open_source`.
    """
    clip_of = next((name for name in SYNTHETIC_MODELS if _is_copy(source, SHIPPED_MODELS[name].sample_path)), None)
    if classes in [SHIPPED_MODELS[name].classes for name in SYNTHETIC_MODELS]:
        return DEFAULT_MODEL if clip_of is None else None
    return clip_of if classes else None


def class_mismatch(classes: tuple[str, ...], source: str | int | Path) -> str | None:
    """Why a model cannot work on an input, in one line; None where :func:`suited_model`, with its arguments, is."""
    better = suited_model(classes, source)
    if better is None:
        return None
    if better == DEFAULT_MODEL:
        return (
            f'input {source}: this model detects synthetic shapes only ({", ".join(classes)}); '
            f"use the shipped model '{DEFAULT_MODEL}' (--model {DEFAULT_MODEL}) for "
            f'{SHIPPED_MODELS[DEFAULT_MODEL].purpose}'
        )
    return (
        f'input {source}: shows synthetic shapes, which this model does not detect ({", ".join(classes)}); '
        f"use the shipped model '{better}' (--model {better})"
    )


def _is_copy(source: str | int | Path, clip: Path) -> bool:
    path = str(source)
    return os.path.isfile(path) and clip.is_file() and filecmp.cmp(path, clip, shallow=False)

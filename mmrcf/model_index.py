"""The models of ``model-index.yml`` and its metafiles, by name: config, weights, published figures."""

import difflib
import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import mmrcf
from mmrcf.errors import InputError, InputFileError


@dataclass(frozen=True, eq=False)
class ListedModel:
    """A model of a metafile.

    Attributes:
        name: That of its config file, without the suffix.
        collection: Name of its family.
        config: Path of the config from :func:`source_root`.
        weights: Path of its weights from there, or their address; None where there are none.
        entry: All fields of the metafile; ``Alias`` is a short name that stands for the model too.
        licence: Licence of the weights as the collection states it; empty where it does not.
        task: What the family does, in a few words.
    """

    name: str
    collection: str
    config: str
    weights: str | None
    entry: Mapping[str, Any]
    licence: str
    task: str = ''

    @property
    def config_path(self) -> Path:
        """The config file of this installation."""
        return source_root() / self.config

    def checkpoint(self) -> str:
        """Where the weights are: an address, or a path of this installation.

        Raises:
            InputError: The model has none.
            InputFileError: They are not in this installation.
        """
        if self.weights is None:
            raise InputError(f'model {self.name}: has no weights; train {self.config}, or give your own checkpoint')
        if '://' in self.weights:
            return self.weights
        path = source_root() / self.weights
        if not path.is_file():
            raise InputFileError(
                f'model {self.name}: {path} is missing; install the package again, or give your own checkpoint'
            )
        return str(path)


def source_root() -> Path:
    """Folder with ``configs`` and ``demo``: the source tree, or what a wheel carries of it."""
    package = Path(mmrcf.__file__).resolve().parent
    return package.parent if (package.parent / 'configs').is_dir() else package / '.mim'


@functools.cache
def listed_models() -> Mapping[str, ListedModel]:
    """The models of all metafiles by name, in their order."""
    root, models = source_root(), {}
    for metafile in _read_yaml(root / 'model-index.yml')['Import']:
        content = _read_yaml(root / metafile)
        collections = {collection['Name']: collection for collection in content['Collections']}
        for entry in content['Models']:
            collection = collections[entry['In Collection']]
            models[entry['Name']] = ListedModel(
                name=entry['Name'],
                collection=collection['Name'],
                config=entry['Config'],
                weights=entry.get('Weights'),
                entry=entry,
                licence=collection.get('License', ''),
                task=collection.get('Task', ''),
            )
    return models


def listed_model(name: object) -> ListedModel | None:
    """The model of this name or alias ('real'); None where ``name`` is a file or no model's name."""
    if not isinstance(name, str) or os.path.exists(name):
        return None
    models = listed_models()
    return models.get(name) or next((model for model in models.values() if model.entry.get('Alias') == name), None)


def no_model(name: str) -> InputError:
    """The error for a name that is neither a file nor a model."""
    models = listed_models()
    aliases = [model.entry['Alias'] for model in models.values() if 'Alias' in model.entry]
    close = difflib.get_close_matches(name, [*aliases, *models], n=3, cutoff=0.5)
    hint = f'; close names are {", ".join(close)}' if close else ''
    return InputError(f'model {name}: no such file, and no model of docs/model_zoo.md{hint}')


def _read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding='utf-8'))

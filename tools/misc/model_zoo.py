"""Write the tables of docs/model_zoo.md from the metafiles: ``python tools/misc/model_zoo.py``."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmrcf.command_line import start_program
from mmrcf.errors import exit_on_bad_input

PAGE = 'docs/model_zoo.md'


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Write the tables of the model zoo from the metafiles')
    parser.add_argument('--page', default=PAGE, help='the page, with its markers (default: %(default)s)')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

from mmengine.config import Config

from mmrcf.datasets.classes import CLASS_LISTS, resolve_classes
from mmrcf.model_index import ListedModel, listed_models, source_root
from mmrcf.utils import counted
from mmrcf.utils.markdown import markdown_table, write_between_markers

HEAD = ('model', 'classes', 'published', 'measured here', 'size', 'licence')
BYTES_OF_A_WEIGHT = 4


def figures(part: dict) -> str:
    """``AP 42.9, PQ 52.0`` of a part of a metafile with ``Metrics``."""
    return ', '.join(f'{name} {value}' for name, value in part['Metrics'].items())


def published(model: ListedModel) -> str:
    """The published figures of a model with data and source."""
    part = model.entry.get('Published')
    return f'{figures(part)} ({part["Dataset"]}; {part["Source"].split(", ")[0]})' if part else '-'


def measured(model: ListedModel) -> str:
    """Our figures of a model with their data."""
    return '; '.join(f'{figures(part)} ({part["Dataset"]})' for part in model.entry.get('Results', ())) or '-'


def classes(model: ListedModel) -> str:
    """How many classes a model has, and which."""
    config = Config.fromfile(model.config_path)
    names = config.test_dataloader.dataset.get('metainfo', {}).get('classes')
    count = len(resolve_classes(names))
    if isinstance(names, str):
        return f'{count} ({names})'
    listed = next((name for name, known in CLASS_LISTS.items() if known == tuple(names)), ', '.join(names))
    return f'{count} ({listed})'


def size(model: ListedModel) -> str:
    """Size of the weights: that of the file, or of a downloaded one four bytes for each parameter."""
    if '://' in model.weights:
        millions = model.entry['Metadata']['Parameters (M)']
        return f'{millions:.1f} M parameters, about {BYTES_OF_A_WEIGHT * millions:.0f} MB'
    return f'{(source_root() / model.weights).stat().st_size / 1e6:.1f} MB'


def link(model: ListedModel) -> str:
    """A link to the config."""
    return f'[{model.name}](../{model.config})'


def by_collection(models: Sequence[ListedModel]) -> Iterator[tuple[str, list[ListedModel]]]:
    """The models of each family, in the order of the metafiles."""
    for name in dict.fromkeys(model.collection for model in models):
        yield name, [model for model in models if model.collection == name]


def with_weights(models: Sequence[ListedModel]) -> str:
    """For each family its task, a table, and the command of each model."""
    parts = []
    for name, family in by_collection([model for model in models if model.weights]):
        rows = [
            [link(model), classes(model), published(model), measured(model), size(model), model.licence or '-']
            for model in family
        ]
        commands = [
            f'python demo/video_demo.py my_video.mp4 {model.name} --out outputs/my_video.mp4' for model in family
        ]
        task = family[0].task
        parts += [f'### {name}', f'{task}.', markdown_table(HEAD, rows), '\n'.join(['```bash', *commands, '```'])]
    return '\n\n'.join(parts)


def without_weights(models: Sequence[ListedModel]) -> str:
    """A table of the recipes: configs that have to be trained first."""
    rows = [
        [name, ', '.join(link(model) for model in family)]
        for name, family in by_collection([model for model in models if not model.weights])
    ]
    return markdown_table(('family', 'configs'), rows)


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Write both tables."""
    args = parse_args(arguments)
    models = list(listed_models().values())
    write_between_markers(args.page, 'with-weights', with_weights(models))
    write_between_markers(args.page, 'without-weights', without_weights(models))
    print(f'{Path(args.page)}: {counted(len(models), "model")}')


if __name__ == '__main__':
    main()

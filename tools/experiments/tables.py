"""The ablations of the paper as rows on the synthetic benchmark, each beside the paper's figure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VISUAL = 'configs/shapes/rcf_r18_shapes_ablation.py'
AUDIO_VISUAL = 'configs/shapes/rcf-av_r18_shapes-av_ablation.py'
SMALL_ENCODER = dict(num_layers=3, num_heads=8, feedforward_dims=256)


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        label: As in the paper's table.
        name: Of its results; rows of several tables that are the same setting share it.
        paper_ap: The paper's AP, on the data of the paper.
        options: Fields to override in the config.
        config: What is overridden.
        against: Label of the row that it is compared with; None for the reference of the table.
    """

    label: str
    name: str
    paper_ap: float
    options: Mapping[str, Any] = field(default_factory=dict)
    config: str = VISUAL
    against: str | None = None

    @property
    def folder(self) -> str:
        """Folder of its results: one for each data set."""
        return 'shapes' if self.config == VISUAL else 'shapes_av'


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes:
        title: What it varies.
        rows: As in the paper.
    """

    title: str
    rows: tuple[Row, ...]


def _references(count: int) -> dict[str, Any]:
    return {'model.neck.num_references': count, 'train_dataloader.dataset.num_references': count}


def _full_features(fusion: str) -> dict[str, Any]:
    neck = dict(type='FullFeatureFusion', fusion=fusion, in_channels=96, embed_dims=128, encoder=SMALL_ENCODER)
    return {'model.neck': dict(_delete_=True, num_references=1, **neck)}


def _audio_rows() -> tuple[Row, ...]:
    paper = {1: (42.9, 44.8), 2: (44.3, 46.0), 3: (45.6, 46.6), 4: (45.6, 45.7), 5: (45.2, 45.0)}
    no_audio = {'model.audio_encoder': None}
    rows = []
    for count, (without, paired) in paper.items():
        audio = {'model.audio_encoder.num_references': count}
        label = f'{count} without audio'
        rows += [
            Row(label, f'ref{count}_visual', without, _references(count) | no_audio, AUDIO_VISUAL),
            Row(f'{count} with audio', f'ref{count}_audio', paired, _references(count) | audio, AUDIO_VISUAL, label),
        ]
    return tuple(rows)


_SINGLE_FRAME = {
    'model.neck': dict(_delete_=True, type='SingleFrame', in_channels=96, embed_dims=128, encoder=SMALL_ENCODER),
    'train_dataloader.dataset.num_references': 0,
}

TABLES = {
    'III': Table(
        'reference frames',
        (
            Row('1', 'reference', 40.8),
            Row('0', 'ref0', 37.3, _SINGLE_FRAME, against='1'),
            Row('2', 'ref2', 40.4, _references(2), against='1'),
            Row('3', 'ref3', 40.7, _references(3), against='1'),
            Row('5', 'ref5', 37.2, _references(5), against='1'),
        ),
    ),
    'IV': Table(
        'fusion of the references',
        (
            Row('reference-token', 'reference', 40.8),
            Row('full-feature Enc.', 'full-encoder', 35.6, _full_features('encoder'), against='reference-token'),
            Row('full-feature Dec.', 'full-decoder', 36.6, _full_features('decoder'), against='reference-token'),
        ),
    ),
    'V': Table(
        'reference tokens (K x K)',
        (
            Row('4', 'reference', 40.8),
            Row('1', 'token1', 38.3, {'model.neck.grid_size': 1}, against='4'),
            Row('16', 'token16', 37.8, {'model.neck.grid_size': 4}, against='4'),
        ),
    ),
    'VII': Table(
        'supervision of the order of the queries',
        (
            Row('without', 'reference', 40.8),
            Row('with', 'order-supervision', 40.5, {'model.head.order_supervision': True}, against='without'),
        ),
    ),
    'VIII': Table(
        'weight map W',
        (
            Row('with', 'reference', 40.8),
            Row('without', 'no-weight', 40.1, {'model.neck.use_weight': False}, against='with'),
        ),
    ),
    'X': Table('audio token, by reference frames (also Table XII)', _audio_rows()),
}

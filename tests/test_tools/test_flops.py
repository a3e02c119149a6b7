"""tools/benchmarks/flops.py: parameters and operations by part."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn


@pytest.fixture(scope='module')
def flops_tool(load_script):
    return load_script('tools/benchmarks/flops.py')


class TwoParts(nn.Module):
    """A convolution and a linear layer, counted by hand below."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        pixels = self.first(image).flatten(2).transpose(1, 2)
        return self.second(pixels) @ torch.ones(5, 2)


@torch.no_grad()
def test_operations_are_attributed_to_parts(flops_tool) -> None:
    flops = flops_tool.PartCounter(TwoParts()).count(TwoParts().forward, torch.zeros(1, 3, 4, 6))
    assert flops == dict(first=0, second=0, other=2 * 24 * 8 * 27 + 2 * 24 * 8 * 5 + 2 * 24 * 5 * 2)
    model = TwoParts()
    flops = flops_tool.PartCounter(model).count(model, torch.zeros(1, 3, 4, 6))
    assert flops == dict(first=2 * 24 * 8 * 27, second=2 * 24 * 8 * 5, other=2 * 24 * 5 * 2)


@torch.no_grad()
def test_attention_counts_its_two_products(flops_tool) -> None:
    query = torch.zeros(1, 2, 6, 4)
    flops = flops_tool.PartCounter(nn.Module()).count(nn.functional.scaled_dot_product_attention, query, query, query)
    assert flops == dict(other=2 * (2 * 2 * 6 * 6 * 4))


def test_a_config_is_measured_and_its_table_replaced(flops_tool, tiny_config: Path, tmp_path: Path, capsys) -> None:
    readme, figures = tmp_path / 'README.md', tmp_path / 'flops.json'
    readme.write_text('before\n<!-- cost:start -->\nold\n<!-- cost:end -->\nafter\n')
    flops_tool.main([str(tiny_config), '--size', '96x50', '--json', str(figures), '--table', str(readme)])
    (row,) = json.loads(figures.read_text())
    assert row['input'] == [96, 50]
    assert row['padded'] == [96, 64]
    assert {'backbone', 'neck', 'mask_decoder', 'head', 'total'} <= row['parameters'].keys()
    assert sum(count for name, count in row['parameters'].items() if name != 'total') == row['parameters']['total']
    assert all(row['gflops'][part] > 0 for part in ('backbone', 'neck', 'mask_decoder', 'head', 'total'))
    text = readme.read_text()
    assert text.startswith('before\n') and text.endswith('after\n')
    assert 'old' not in text
    assert '| `tiny.py` |' in text
    assert '| `tiny.py` |' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['missing.py'], 'missing.py'),
        (['configs/shapes/r18_crops_shapes.py'], "model.type='ObjectClassifier' is no RCF"),
    ],
)
def test_bad_input_is_one_line(
    flops_tool, tiny_config: Path, repository: Path, monkeypatch, capsys, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(repository)
    with pytest.raises(SystemExit) as exit_info:
        flops_tool.main([argument.format(config=tiny_config) for argument in arguments])
    assert exit_info.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_the_audio_encoder_is_counted_whole(flops_tool, tiny_config: Path) -> None:
    encoder = dict(type='SmallAudioEncoder', num_references=1, embed_dims=32, feature_dims=4, widths=(8,), lstm_dims=2)
    row = flops_tool.measure(str(tiny_config), (96, 64), {'model.audio_encoder': encoder})
    convolution, linear = 48 * 32 * 8 * 9, 48 * 32 * 8 * 4
    # Two steps, two directions, four gates of width 2; the second layer reads both directions of the first.
    lstm = 2 * 2 * (4 * 2) * ((4 + 2) + (4 + 2))
    projection = 2 * (4 * 32 + 32 * 32)
    assert row['gflops']['audio_encoder'] == pytest.approx(2e-9 * (convolution + linear + lstm + projection), abs=1e-6)

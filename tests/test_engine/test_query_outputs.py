"""Saved query outputs are those of the run, and recording them changes nothing."""

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn

from mmrcf.apis import init_model
from mmrcf.engine.config import load_config
from mmrcf.engine.loops import FrameStream
from mmrcf.engine.query_outputs import FrameOutputs, OutputRecorder, OutputSettings, OutputWriter, SavedOutputs
from mmrcf.errors import InputError

VIEW = dict(class_map=dict(x='a', y='b'), only=[3, 'folder'], exclude=None, max_side=400)
TESTED = dict(view=VIEW, video_ids=[3, 4])
SETTINGS = OutputSettings(('a', 'b'), score_thr=0.4, mask_thr=0.5, score_masks=False, saved_score=0.3, tested=TESTED)
FRAME = dict(video_id=3, frame_id=1, video_length=5, ori_shape=(30, 44))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_a_frame_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    """All but the masks of the query whose score is below ``saved_score``."""
    outputs = FrameOutputs(
        frame=FRAME,
        img_shape=(32, 44),
        padded_shape=(32, 48),
        class_probs=torch.tensor([[0.1, 0.3], [0.2, 0.25], [0.9, 0.0]]),
        codes=torch.randn(3, 4),
        mask_logits=torch.randn(3, 8, 12).to(dtype),
    )
    path = tmp_path / 'outputs.zip'
    writer = OutputWriter(path, SETTINGS)
    for _ in range(2):
        writer.add(outputs)
    writer.close()
    with SavedOutputs(path) as saved:
        assert saved.settings == SETTINGS and len(saved) == 2
        first, second = saved
    for read in (first, second):
        assert read.frame == FRAME and (read.img_shape, read.padded_shape) == ((32, 44), (32, 48))
        assert torch.equal(read.class_probs, outputs.class_probs) and torch.equal(read.codes, outputs.codes)
        assert torch.equal(read.mask_logits[[0, 2]], outputs.mask_logits[[0, 2]].float())
        assert (read.mask_logits[1] == -torch.inf).all()
    slots = first.slots(0.4, 0.0)
    assert slots.above_thr.tolist() == [False, False, True]
    # 44 of 48 pixels are frame: 11 of 12 columns.
    expected = outputs.mask_logits[2] > 0
    expected[:, 11:] = False
    assert torch.equal(slots.masks[2], expected)


def test_a_file_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'outputs.zip'
    monkeypatch.setattr('mmrcf.engine.query_outputs.VERSION', 3)
    OutputWriter(path, SETTINGS).close()
    monkeypatch.undo()
    with pytest.raises(InputError, match=r'outputs\.zip: has version 3, expected 2'):
        SavedOutputs(path)
    with zipfile.ZipFile(path, 'w') as archive:  # the first version had fewer fields
        archive.writestr('header.json', '{"version": 1, "classes": ["a"]}')
    with pytest.raises(InputError, match=r'outputs\.zip: has version 1, expected 2; save the outputs again'):
        SavedOutputs(path)


@pytest.mark.parametrize(
    'changes',
    [
        dict(version=None),
        dict(classes='ab'),
        dict(classes=[1]),
        dict(score_thr='x'),
        dict(mask_thr=float('nan')),
        dict(score_masks=1),
        dict(more=1),
        dict(tested=[]),
        dict(tested=dict(view=VIEW)),
        dict(tested=dict(view={}, video_ids=[])),
        dict(tested=dict(view=VIEW, video_ids=['3'])),
        dict(tested=dict(view=VIEW | dict(class_map=['a']), video_ids=[])),
        dict(tested=dict(view=VIEW | dict(class_map=dict(x=1)), video_ids=[])),
        dict(tested=dict(view=VIEW | dict(only=3), video_ids=[])),
        dict(tested=dict(view=VIEW | dict(max_side=None), video_ids=[])),
    ],
)
def test_a_header_that_is_not_ours_is_refused(tmp_path: Path, changes: dict) -> None:
    header = dict(version=2, **asdict(SETTINGS)) | changes
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as archive:
        archive.writestr('header.json', json.dumps({key: value for key, value in header.items() if value is not None}))
    with pytest.raises(InputError, match=r'query outputs .*a\.zip'):
        SavedOutputs(tmp_path / 'a.zip')


@pytest.mark.parametrize(
    'changes',
    [
        dict(codes=None),
        dict(codes=np.zeros((2, 4), np.float32)),
        dict(class_probs=np.zeros((3, 2), int)),
        dict(kept=np.array([0, 3])),
        dict(kept=np.array([0, -1])),
        dict(kept=np.array([0, 0])),
        dict(kept=np.array([0])),
        dict(map_shape=np.array([2**40, 2**40])),
        dict(map_shape=np.array([-8, -12])),
        dict(ori_shape=np.array([30])),
        dict(video_id=np.array([1, 2])),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, changes: dict) -> None:
    arrays = dict(
        class_probs=np.full((3, 2), 0.5, np.float32),
        codes=np.ones((3, 4), np.float32),
        kept=np.array([0, 2]),
        mask_logits=np.ones((2, 8, 12), np.float32),
        map_shape=(8, 12),
        img_shape=(32, 44),
        padded_shape=(32, 48),
        **FRAME,
    )
    OutputWriter(tmp_path / 'a.zip', SETTINGS).close()
    for number, content in enumerate((arrays, arrays | changes)):
        file = io.BytesIO()
        np.savez(file, **{name: array for name, array in content.items() if array is not None})
        with zipfile.ZipFile(tmp_path / 'a.zip', 'a') as archive:
            archive.writestr(f'{number:08d}.npz', file.getvalue())
    with SavedOutputs(tmp_path / 'a.zip') as saved:
        frames = iter(saved)
        assert next(frames).mask_logits.shape == (3, 8, 12)
        with pytest.raises(InputError, match=r'a\.zip: 00000001\.npz: '):
            next(frames)


def test_recording_changes_no_result(tiny_config: Path) -> None:
    config = load_config(str(tiny_config), {'model.score_thr': 0.01, 'model.score_masks': True})
    init_default_scope('mmrcf')
    model = init_model(config)
    loader = Runner.build_dataloader(config.test_dataloader, seed=0)
    stream = FrameStream(model)
    expected = [stream.process(batch) for batch in loader]
    at_low = []
    with OutputRecorder(model) as recorder:
        for batch, other in zip(loader, expected, strict=True):
            record = stream.process(batch)
            outputs = recorder.frame(record)
            assert record['rles'] == other['rles']
            np.testing.assert_array_equal(record['class_probs'], other['class_probs'])
            slots = outputs.slots(model.score_thr, model.mask_logit_thr)
            for name in ('masks', 'scores', 'class_probs', 'above_thr', 'codes'):
                assert torch.equal(getattr(slots, name), getattr(recorder.slots, name)), name
            at_low.append(slots)
        # Queries that the threshold excludes are recorded whole: a lower one gives what a run with it gives.
        low, model.score_thr = model.score_thr, 0.99
        for batch, slots in zip(loader, at_low, strict=True):
            outputs = recorder.frame(stream.process(batch))
            assert not recorder.slots.masks.any()
            again = outputs.slots(low, model.mask_logit_thr)
            assert torch.equal(again.masks, slots.masks) and torch.equal(again.scores, slots.scores)
    assert sum(int(slots.above_thr.sum()) for slots in at_low) > len(expected)
    assert 'slot_predictions' not in vars(model)
    with pytest.raises(InputError, match='Linear has no instance queries'):
        OutputRecorder(nn.Linear(1, 1))

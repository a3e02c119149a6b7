import pytest
import torch

from mmrcf.models.data_preprocessors.rcf_data_preprocessor import RCFDataPreprocessor


@pytest.fixture
def preprocessor() -> RCFDataPreprocessor:
    return RCFDataPreprocessor(mean=[10.0] * 3, std=[2.0] * 3)


def clip(frames: int = 2) -> torch.Tensor:
    return torch.randint(0, 255, (frames, 3, 20, 30), dtype=torch.uint8)


def test_audio_is_stacked_and_not_changed(preprocessor):
    audio, valid = [torch.randn(2, 96, 64) for _ in range(3)], [torch.tensor([True, False])] * 3
    data = dict(inputs=dict(img=[clip() for _ in range(3)], audio=audio, audio_valid=valid), data_samples=None)
    inputs = preprocessor(data)['inputs']
    assert torch.equal(inputs['audio'], torch.stack(audio))
    assert torch.equal(inputs['audio_valid'], torch.stack(valid))
    assert inputs['img'].shape == (3, 2, 3, 32, 32)


def test_clips_without_audio_are_filled_up(preprocessor):
    audio, valid = torch.randn(2, 96, 64), torch.tensor([True, True])
    for place in range(3):
        given = dict(audio=[None] * 3, audio_valid=[None] * 3)
        given['audio'][place], given['audio_valid'][place] = audio, valid
        inputs = preprocessor(dict(inputs=dict(img=[clip()] * 3, **given), data_samples=None))['inputs']
        assert torch.equal(inputs['audio'][place], audio) and inputs['audio_valid'][place].all()
        others = [index for index in range(3) if index != place]
        assert not inputs['audio'][others].any() and not inputs['audio_valid'][others].any()
        assert inputs['audio'].dtype == torch.float32 and inputs['audio_valid'].dtype == torch.bool


@pytest.mark.parametrize('audio', [{}, dict(audio=[None], audio_valid=[None])])
def test_no_audio_at_all_is_no_key(preprocessor, audio):
    assert set(preprocessor(dict(inputs=dict(img=[clip()], **audio), data_samples=None))['inputs']) == {'img'}


def test_frames_are_the_same_with_and_without_audio(preprocessor):
    frames = clip()
    audio = dict(audio=[torch.zeros(2, 96, 64)], audio_valid=[torch.zeros(2, dtype=torch.bool)])
    alone = preprocessor(dict(inputs=dict(img=[frames]), data_samples=None))['inputs']['img']
    assert torch.equal(
        alone, preprocessor(dict(inputs=dict(img=[frames], **audio), data_samples=None))['inputs']['img']
    )


def test_other_inputs_pass_through(preprocessor):
    data = dict(inputs=dict(img=[clip()], extra=[torch.ones(3)]), data_samples=None)
    assert torch.equal(preprocessor(data)['inputs']['extra'][0], torch.ones(3))

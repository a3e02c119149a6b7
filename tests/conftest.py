"""What all tests share: seeds, few threads, no network, and one tiny data set with a tiny config."""

import importlib.util
import json
import os
import random
import socket
import wave
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import cv2
import numpy as np
import pytest
import torch
from hypothesis import settings
from mmdet.structures import DetDataSample, TrackDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData
from pycocotools import mask as mask_utils

import mmrcf  # noqa: F401  (makes mmdet importable with light mmcv)
from mmrcf.datasets.class_names import SHAPES_CLASSES

# The same examples in every run; a slow machine is no failure.
settings.register_profile('suite', deadline=None, derandomize=True)
settings.load_profile('suite')

REPOSITORY = Path(__file__).resolve().parents[1]
TINY_HEIGHT, TINY_WIDTH = 64, 96

TINY_CONFIG = """
_base_ = ['{repository}/configs/_base_/datasets/shapes.py', '{repository}/configs/_base_/default_runtime.py']

_layers = dict(num_layers=1, num_heads=4, feedforward_dims=32)
model = dict(
    type='RCF',
    data_preprocessor=dict(type='RCFDataPreprocessor', mean=[120.0] * 3, std=[60.0] * 3),
    backbone=dict(
        type='mmdet.ResNet',
        depth=18,
        base_channels=8,
        stem_channels=8,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(0, 1, 2),
        norm_eval=False,
    ),
    neck=dict(type='RobustContextFusion', in_channels=32, num_references=1, embed_dims=32, grid_size=2,
    encoder=_layers), mask_decoder=dict(type='FPNMaskDecoder', in_channels=[8, 16], token_dims=32, embed_dims=16,
    out_channels=16), head=dict(
        type='InstanceQueryHead',
        num_classes=8,
        num_queries=5,
        embed_dims=32,
        mask_dims=16,
        decoder=_layers,
        match_costs=[
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
        ],
        loss_cls=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0] * 8 + [0.1]),
        loss_dice=dict(type='mmdet.DiceLoss', naive_dice=True, eps=1.0),
        loss_mask=dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True),
    ),
    tracker=dict(type='MatchingFreeTracker'),
)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', power=0.9, by_epoch=False, begin=0, end=4)]
data_root = '{data_root}/'
_one_process = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(batch_size=2, dataset=dict(data_root=data_root), **_one_process)
val_dataloader = dict(dataset=dict(data_root=data_root), **_one_process)
test_dataloader = dict(dataset=dict(data_root=data_root), **_one_process)
val_evaluator = [dict(type='VISMetric', ann_file=data_root + 'val/instances.json')]
test_evaluator = [dict(type='VISMetric', ann_file=data_root + 'test/instances.json')]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=4)
val_cfg = dict(type='OnlineValLoop')
test_cfg = dict(type='OnlineTestLoop')
randomness = dict(seed=0)
default_hooks = dict(checkpoint=dict(interval=2, max_keep_ckpts=-1, save_best=None), logger=dict(interval=1))
"""


@pytest.fixture(scope='session', autouse=True)
def few_threads() -> None:
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 2)))


@pytest.fixture(scope='session', autouse=True)
def plain_config_dumps() -> Iterator[None]:
    """Runs dump their config several times; laying it out takes most of the time of a run as short as a test's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, False))
        yield


@pytest.fixture(autouse=True)
def seeded() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to another machine fails at once; processes of this one may talk to each other."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ('127.0.0.1', '::1', 'localhost'):
            raise RuntimeError(f'a test tried to reach {address}')
        connect(self, address)

    monkeypatch.setattr(socket.socket, 'connect', local_only)


def write_tiny_split(folder: Path, videos: int, frames: int, seed: int) -> None:
    """Videos of two moving rectangles on noise, in the official YouTube-VIS layout."""
    rng = np.random.default_rng(seed)
    content = dict(
        videos=[], annotations=[], categories=[dict(id=i + 1, name=name) for i, name in enumerate(SHAPES_CLASSES)]
    )
    for video_id in range(1, videos + 1):
        name = f'{video_id:04d}'
        (folder / 'JPEGImages' / name).mkdir(parents=True)
        images = rng.integers(0, 80, (frames, TINY_HEIGHT, TINY_WIDTH, 3), dtype=np.uint8)
        for _ in range(2):
            label = int(rng.integers(len(SHAPES_CLASSES)))
            top, left = int(rng.integers(0, 40)), int(rng.integers(0, 50))
            masks = np.zeros((frames, TINY_HEIGHT, TINY_WIDTH), dtype=np.uint8)
            for t in range(frames):
                masks[t, top : top + 20, left + 3 * t : left + 3 * t + 24] = 1
            images[masks.astype(bool)] = rng.integers(100, 255, 3)
            rles = [mask_utils.encode(np.asfortranarray(mask)) for mask in masks]
            content['annotations'].append(
                dict(
                    id=len(content['annotations']) + 1,
                    video_id=video_id,
                    category_id=label + 1,
                    iscrowd=0,
                    segmentations=[dict(size=rle['size'], counts=rle['counts'].decode()) for rle in rles],
                    bboxes=[mask_utils.toBbox(rle).tolist() for rle in rles],
                    areas=[int(mask_utils.area(rle)) for rle in rles],
                )
            )
        file_names = [f'{name}/{t:05d}.jpg' for t in range(frames)]
        for file_name, image in zip(file_names, images, strict=True):
            cv2.imwrite(str(folder / 'JPEGImages' / file_name), image)
        content['videos'].append(
            dict(id=video_id, width=TINY_WIDTH, height=TINY_HEIGHT, length=frames, file_names=file_names)
        )
    (folder / 'instances.json').write_text(json.dumps(content))


@pytest.fixture(scope='session')
def tiny_ytvis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of shapes classes in the official layout: train, val and test. Read it only."""
    root = tmp_path_factory.mktemp('tiny_ytvis')
    for seed, (split, videos) in enumerate(dict(train=4, val=2, test=2).items()):
        write_tiny_split(root / split, videos, frames=4, seed=seed)
    return root


@pytest.fixture(scope='session')
def tiny_config(tiny_ytvis: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config with a model and a data set small enough to train in a second. Read it only."""
    path = tmp_path_factory.mktemp('config') / 'tiny.py'
    path.write_text(TINY_CONFIG.format(repository=REPOSITORY, data_root=tiny_ytvis))
    return path


@pytest.fixture(scope='session')
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope='session')
def load_script():
    """``load_script('tools/train.py')``: a script as a module, without running it; it finds the modules beside it."""
    modules: dict[str, ModuleType] = {}

    def load(path: str) -> ModuleType:
        if path not in modules:
            name = 'script_' + path.removesuffix('.py').replace('/', '_')
            spec = importlib.util.spec_from_file_location(name, REPOSITORY / path)
            modules[path] = importlib.util.module_from_spec(spec)
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(str((REPOSITORY / path).parent))
                spec.loader.exec_module(modules[path])
        return modules[path]

    return load


def clip_frame(index: int, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB: reddish at the left, bluish at the bottom, with a bright square that moves to the right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(200, 40, width)
    image[..., 2] = np.linspace(30, 180, height)[:, None]
    left = 2 + 2 * index
    image[height // 4 : height // 2, left : left + width // 5] = (240, 240, 60)
    return image


@pytest.fixture(scope='session')
def write_clip() -> Callable[..., Path]:
    """``write_clip(path)``: a tiny video file, written with PyAV and none of our own code."""

    def write(
        path: Path,
        *,
        frames: int = 8,
        height: int = 64,
        width: int = 96,
        codec: str = 'libx264',
        pix_fmt: str = 'yuv420p',
        times: Sequence[int] | None = None,
        time_base: Fraction = Fraction(1, 10),
        rate: Fraction | int = 10,
        rotation: int = 0,
        audio: str | None = None,
    ) -> Path:
        with av.open(str(path), 'w') as container:
            video = container.add_stream(codec, rate=rate)
            video.width, video.height, video.pix_fmt = width, height, pix_fmt
            video.time_base = video.codec_context.time_base = time_base
            if rotation:
                video.set_display_rotation(rotation)
            stream = container.add_stream(audio, rate=16000, layout='mono') if audio else None
            for index in range(frames):
                frame = av.VideoFrame.from_ndarray(clip_frame(index, height, width), format='rgb24')
                frame.pts, frame.time_base = times[index] if times else index, time_base
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if stream:
                tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(frames * 1600) / 16000)
                samples = av.AudioFrame.from_ndarray((tone * 32767).astype(np.int16)[None], format='s16', layout='mono')
                samples.rate, samples.pts, samples.time_base = 16000, 0, Fraction(1, 16000)
                container.mux(stream.encode(samples))
                container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Run the test in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture(scope='session')
def make_training_clip() -> Callable[[int, int, int], tuple[torch.Tensor, TrackDataSample]]:
    """``make_training_clip(length, height, width)``: frames (1, T, 3, H, W) and the ground truth of one object."""

    def make(length: int, height: int, width: int) -> tuple[torch.Tensor, TrackDataSample]:
        mask = np.zeros((1, height, width), np.uint8)
        mask[0, height // 4 : height // 2, width // 4 : width // 2] = 1
        sample = TrackDataSample()
        sample.video_data_samples = [
            DetDataSample(
                metainfo=dict(img_shape=(height, width), ori_shape=(height, width)),
                gt_instances=InstanceData(
                    labels=torch.tensor([1]), masks=BitmapMasks(mask, height, width), instances_ids=torch.tensor([1])
                ),
            )
            for _ in range(length)
        ]
        return torch.randn(1, length, 3, height, width), sample

    return make


AUDIO_VISUAL_CONFIG = """
_base_ = ['{tiny_config}']

model = dict(
    score_thr=0.01,
    audio_encoder=dict(type='SmallAudioEncoder', num_references=1, embed_dims=32, feature_dims=16, lstm_dims=8),
)
test_pipeline = [
    dict(type='LoadClipFrames'),
    dict(type='ClipResize', scale=(96, 64), keep_ratio=True),
    dict(type='LoadClipAudio'),
    dict(type='AudioPatches'),
    dict(type='PackClip'),
]
test_dataloader = dict(
    dataset=dict(
        type='AVISDataset',
        data_root='{data_root}/',
        data_prefix=dict(img='test/JPEGImages', audio='test/WAVAudios'),
        fps=6,
        pipeline=test_pipeline,
    )
)
"""


@pytest.fixture(scope='session')
def tiny_avis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two test videos of 8 frames in the official layout, with stereo audio of 44.1 kHz. Read it only."""
    root = tmp_path_factory.mktemp('tiny_avis')
    write_tiny_split(root / 'test', videos=2, frames=8, seed=7)
    (root / 'test/WAVAudios').mkdir()
    for number in (1, 2):
        noise = np.random.default_rng(number).normal(0, 6000, (44100 * 3 // 2, 2)).clip(-32767, 32767)
        write_audio_file(root / f'test/WAVAudios/{number:04d}.wav', noise.astype(np.int16), 44100)
    return root


@pytest.fixture(scope='session')
def audio_visual_config(tiny_config: Path, tiny_avis: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny config with an audio encoder, and a test set with audio. Read it only."""
    path = tmp_path_factory.mktemp('audio_visual_config') / 'audio_visual.py'
    path.write_text(AUDIO_VISUAL_CONFIG.format(tiny_config=tiny_config, data_root=tiny_avis))
    return path


def write_audio_file(path: Path, samples: np.ndarray, rate: int) -> Path:
    """Write (S,) or (S, channels) int16 as a WAV file."""
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture(scope='session')
def write_wav() -> Callable[[Path, np.ndarray, int], Path]:
    """``write_wav(path, samples, rate)``: (S,) or (S, channels) int16 as a WAV file."""
    return write_audio_file


FLASH = 1.2


@pytest.fixture(scope='session')
def write_beep() -> Callable[..., Path]:
    """``write_beep(path)``: three seconds in which the picture flashes and a beep begins 1.2 s after time 0."""

    def write(
        path: Path,
        *,
        audio: str = 'aac',
        rate: int = 44100,
        layout: str = 'stereo',
        times: Sequence[float] | None = tuple(index / 10 for index in range(30)),
        audio_start: float = 0.0,
        seconds: float = 3.0,
    ) -> Path:
        """``times`` of the frames, None for no pictures; ``audio_start``: when the audio stream begins."""
        with av.open(str(path), 'w', container_options={'max_interleave_delta': '0'}) as container:
            video = container.add_stream('libx264', rate=10) if times else None
            stream = container.add_stream(audio, rate=rate, layout=layout)
            if video:
                video.width, video.height, video.pix_fmt, video.gop_size = 96, 64, 'yuv420p', 10
                video.time_base = video.codec_context.time_base = Fraction(1, 1000)
            for time in times or ():
                image = np.full((64, 96, 3), 255 * (0 <= time - FLASH < 0.1), np.uint8)
                frame = av.VideoFrame.from_ndarray(image, format='rgb24')
                frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
                container.mux(video.encode(frame))
            if video:
                container.mux(video.encode(None))
            moments = audio_start + np.arange(round(rate * (seconds - audio_start))) / rate
            beep = 0.8 * np.sin(2 * np.pi * 1000 * moments) * ((moments >= FLASH) & (moments < FLASH + 0.2))
            resampler = av.AudioResampler(format=stream.format.name, layout=layout, rate=rate)
            samples = np.repeat(beep.astype(np.float32), stream.codec_context.layout.nb_channels)[None]
            frame = av.AudioFrame.from_ndarray(samples, format='flt', layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, round(audio_start * rate), Fraction(1, rate)
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope='session')
def flash_and_beep() -> Callable[[Path], tuple[float, float]]:
    """``flash_and_beep(path)``: when a player shows the first bright frame, and when it plays the start of the beep."""

    def measure(path: Path) -> tuple[float, float]:
        with av.open(str(path)) as container:
            shown = [(frame.to_ndarray(format='gray').mean(), frame.time) for frame in container.decode(video=0)]
        # Objects that are drawn in make dark frames brighter.
        middle = (max(shown)[0] + min(shown)[0]) / 2
        flash = next(time for brightness, time in shown if brightness > middle)
        resampler = av.AudioResampler(format='flt', layout='mono', rate=16000)
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                start = frame.time
                for piece in resampler.resample(frame):
                    loud = np.flatnonzero(np.abs(piece.to_ndarray()[0]) > 0.3)
                    if len(loud):
                        return flash, start + loud[0] / 16000
        raise AssertionError('no beep')

    return measure

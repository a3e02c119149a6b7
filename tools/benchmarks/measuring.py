"""What the benchmarks share: statistics over frames, frames to run on, times of the parts of a model."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from time import perf_counter

import cv2
import numpy as np
import torch
from torch import nn

from mmrcf.errors import InputError
from mmrcf.media import open_source
from mmrcf.utils import keep_freed_memory


def prepare_process(threads: int | None) -> None:
    """Give this process so many CPU threads (None: as many as PyTorch takes), and have it keep memory that it frees."""
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """While the block runs, so many processes compute without a pause."""
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
            stack.callback(process.wait)
            stack.callback(process.kill)  # before the wait: the last one comes first
        yield


@dataclass(frozen=True)
class Statistics:
    """Of a quantity measured on many frames.

    Attributes:
        mean, p50, p95: Mean, median and 95th percentile.
        count: Number of frames.
    """

    mean: float
    p50: float
    p95: float
    count: int


def statistics_of(values: Sequence[float]) -> Statistics:
    """Statistics of at least one value.

    Raises:
        ValueError: There is none.
    """
    if len(values) == 0:
        raise ValueError('statistics of nothing: expected at least one value')
    p50, p95 = np.percentile(values, (50, 95))
    return Statistics(mean=float(np.mean(values)), p50=float(p50), p95=float(p95), count=len(values))


def paired_ratio(slower: Sequence[float], faster: Sequence[float]) -> Statistics:
    """``slower / faster`` pair by pair, for two subjects that took turns: what both suffered at a time cancels out.

    Raises:
        ValueError: The lengths differ.
    """
    if len(slower) != len(faster):
        raise ValueError(f'{len(slower)} and {len(faster)} values do not make pairs')
    return statistics_of(np.asarray(slower) / np.asarray(faster))


@torch.no_grad()
def matrix_product_rate(device: torch.device, dtype: torch.dtype = torch.float32, size: int = 1536) -> float:
    """What the device can do at best: GFLOP/s of a product of two square matrices, median of 7."""
    left = torch.randn(size, size, device=device, dtype=dtype)
    right = torch.randn(size, size, device=device, dtype=dtype)
    times = []
    for index in range(9):
        started = perf_counter()
        left @ right
        if device.type == 'cuda':
            torch.cuda.synchronize(device)
        if index >= 2:
            times.append(perf_counter() - started)
    return 2 * size**3 / sorted(times)[len(times) // 2] / 1e9


@dataclass(frozen=True, eq=False)
class EncodedFrames:
    """An endless row of frames and the time that decoding each took.

    Attributes:
        name: What they are.
        size: Width and height in pixels.
        frames: Yields (H, W, 3) uint8 RGB and milliseconds.
    """

    name: str
    size: tuple[int, int]
    frames: Iterator[tuple[np.ndarray, float]]


def encoded_frames(source: str | None, size: tuple[int, int]) -> EncodedFrames:
    """The frames of a video, again and again, or made-up ones.

    Args:
        source: What :func:`~mmrcf.media.open_source` takes, but no camera; None: JPEG pictures of a drifting texture.
        size: Width and height of made-up frames.

    Raises:
        InputError: The source cannot be read, or has no end.
    """
    if source is None:
        return EncodedFrames(f'{size[0]}x{size[1]} JPEG', size, _drifting_texture(*size))
    with closing(open_source(source)) as opened:
        if opened.num_frames is None:
            raise InputError(f'input {source}: a benchmark runs on a file or folder, not on a camera or live stream')
        size = (opened.width, opened.height)
    return EncodedFrames(str(source), size, _again_and_again(source))


def _again_and_again(source: str) -> Iterator[tuple[np.ndarray, float]]:
    while True:
        with closing(open_source(source)) as opened:
            frames = iter(opened)
            while True:
                started = perf_counter()
                frame = next(frames, None)
                spent = 1e3 * (perf_counter() - started)
                if frame is None:
                    break
                yield frame.image, spent


def _drifting_texture(width: int, height: int) -> Iterator[tuple[np.ndarray, float]]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 8 + 9, width // 8 + 9, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (width + 64, height + 64), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for step in range(0, 64, 4):
        encoded, jpeg = cv2.imencode('.jpg', texture[step : step + height, step : step + width])
        if not encoded:
            raise InputError(f'size {width}x{height}: cannot be encoded as JPEG')
        pictures.append(jpeg)
    while True:
        for jpeg in pictures + pictures[::-1]:
            started = perf_counter()
            image = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            yield image, 1e3 * (perf_counter() - started)


class PartTimer:
    """Times the direct children of a model while it runs, in a ``with`` block.

    On a GPU every part waits for the device, so the sum is more than a step without the timer takes.

    Args:
        model: Its children must be called as modules; those inside a compiled graph are not seen.

    Attributes:
        milliseconds: By name, since the last :meth:`reset`.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._started = 0.0
        self.milliseconds: dict[str, float] = {}

    def __enter__(self) -> 'PartTimer':
        for name, child in self._model.named_children():
            self._handles.append(child.register_forward_pre_hook(self._begin))
            self._handles.append(child.register_forward_hook(lambda *_, name=name: self._end(name)))
        return self

    def __exit__(self, *_exc_info: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def reset(self) -> None:
        """Forget what was measured."""
        self.milliseconds = {}

    def _begin(self, *_: object) -> None:
        self._synchronize()
        self._started = perf_counter()

    def _end(self, name: str) -> None:
        self._synchronize()
        spent = 1e3 * (perf_counter() - self._started)
        self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    def _synchronize(self) -> None:
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.synchronize()

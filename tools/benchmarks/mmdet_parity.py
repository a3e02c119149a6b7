"""An image segmenter under ``OnlineMask2Former`` beside mmdet's own inference with the same weights, frame by frame.

``python tools/benchmarks/mmdet_parity.py configs/minvis/minvis_r50_coco.py
mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py CHECKPOINT --input my_video.mp4``

``--random-weights`` writes CHECKPOINT first: a network of mmdet with random weights, as mmdet saves one.
"""

import argparse
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter

from mmrcf.command_line import add_cfg_options, add_device, add_json, add_size, add_threads, start_program, whole_number
from mmrcf.errors import exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Masks of a config beside those of mmdet, frame by frame')
    parser.add_argument('config', help='config file with model.type OnlineMask2Former')
    parser.add_argument('detector', help="mmdet's config of the same network: a file, or mmdet::FOLDER/NAME.py")
    parser.add_argument('checkpoint', help='weights of both')
    parser.add_argument('--random-weights', action='store_true', help='write CHECKPOINT first')
    parser.add_argument('--input', help='video file or folder of images (default: made-up frames of --size)')
    add_size(parser, 'size of made-up frames', (640, 360), least=16)
    parser.add_argument('--frames', type=whole_number(1), default=3, help='frames to compare (default: 3)')
    add_threads(parser)
    add_device(parser)
    add_cfg_options(parser, 'CONFIG')
    add_json(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import mmengine.hub
import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.apis import inference_detector
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import nn

from measuring import encoded_frames, prepare_process
from mmrcf.apis import OnlineSegmenter
from mmrcf.engine.checkpoint import load_weights, read_checkpoint
from mmrcf.engine.config import load_config
from mmrcf.errors import InputError
from mmrcf.structures import FrameResult
from mmrcf.utils import atomic_output, describe_machine, write_json

ENOUGH = 0.999
"""IoU from which on two masks count as the same."""


def detector_config(name: str) -> Config:
    """A config of mmdet without the weights of its backbone; ``mmdet::...`` is one that comes with the package."""
    config = mmengine.hub.get_config(name) if '::' in name else load_config(name)
    config.model.backbone.init_cfg = None
    return config


def build_network(config: Config) -> nn.Module:
    """mmdet's network with random weights, in evaluation mode."""
    with DefaultScope.overwrite_default_scope('mmdet'):
        network = MMDET_MODELS.build(config.model).eval()
    network.cfg = config  # read by inference_detector
    return network


def load_detector(config: Config, checkpoint: str | Path, device: torch.device) -> nn.Module:
    """What ``mmdet.apis.init_detector`` gives, without building the data set, for which panoptic configs need more."""
    network = build_network(config)
    load_weights(network, read_checkpoint(checkpoint)['state_dict'], checkpoint)
    return network.to(device)


def write_random_weights(config: Config, path: str | Path) -> None:
    """Save the network of mmdet with random weights and the classes of its data, as mmdet saves a checkpoint.

    The weights of the class layer are large, so that queries have different classes with scores like trained ones.
    """
    torch.manual_seed(0)
    network = build_network(config)
    nn.init.normal_(network.panoptic_head.cls_embed.weight, std=0.3)
    classes = config.test_dataloader.dataset.get('metainfo', {}).get('classes')
    meta = {} if classes is None else dict(dataset_meta=dict(classes=classes))
    with atomic_output(path) as temporary:
        torch.save(dict(meta=meta, state_dict=network.state_dict()), temporary)


def mmdet_pipeline(config: Config, scale: tuple[int, int]) -> Compose:
    """mmdet's test pipeline for arrays (H, W, 3) uint8 BGR, with the scale (long side, short side) of videos."""
    steps = [step for step in config.test_dataloader.dataset.pipeline if not step.type.startswith('Load')]
    for step in steps:
        if step.type == 'Resize':
            step.scale = scale
    with DefaultScope.overwrite_default_scope('mmdet'):
        return Compose([dict(type='LoadImageFromNDArray', to_float32=True), *steps])


def best_overlap(mask: np.ndarray, others: np.ndarray) -> float:
    """Largest IoU of a mask (H, W) with others (N, H, W), 0 without any."""
    shared = (others & mask).sum((1, 2))
    return float((shared / np.maximum((others | mask).sum((1, 2)), 1)).max(initial=0.0))


class MaskComparison:
    """Counts over frames.

    Attributes:
        frames: Frames compared.
        objects: Our objects in them.
        lowest_iou: Lowest IoU of an object's mask with mmdet's best one of its class; 1 where there was no object.
        below: Objects in which it is below 0.999.
        score: Largest difference of an object's score and the nearest one of these masks of mmdet.
        left_out: Masks of mmdet, of any class, at or above our score threshold that none of our objects has. Duplicates
            of one with a better score are among them, because our tracker drops those.
    """

    def __init__(self) -> None:
        self.frames = self.objects = self.below = self.left_out = 0
        self.lowest_iou, self.score = 1.0, 0.0

    def add(self, result: FrameResult, sample: DetDataSample, score_thr: float) -> None:
        """Compare a frame with mmdet's result for it."""
        found = sample.pred_instances.cpu().numpy()
        masks = found.masks.astype(bool)
        self.frames += 1
        for mask, label, score in zip(result.masks, result.labels, result.scores, strict=True):
            rows = np.flatnonzero(found.labels == label)
            ious = np.array([best_overlap(mask, masks[[row]]) for row in rows])
            best = ious.max(initial=0.0)
            self.objects += 1
            self.lowest_iou = min(self.lowest_iou, float(best))
            self.below += int(best < ENOUGH)
            if best >= ENOUGH:
                self.score = max(self.score, float(np.abs(found.scores[rows[ious >= ENOUGH]] - score).min()))
        for mask in masks[(found.scores >= score_thr) & masks.any((1, 2))]:
            self.left_out += int(best_overlap(mask, result.masks) < ENOUGH)

    def __str__(self) -> str:
        return (
            f'{self.frames} frames, {self.objects} objects: IoU with the masks of mmdet at least '
            f'{self.lowest_iou:.5f}, {self.below} below {ENOUGH}; scores differ by at most {self.score:.2g}; '
            f'{self.left_out} masks of mmdet above the threshold are not among the objects'
        )


def compare(
    segmenter: OnlineSegmenter, detector: nn.Module, pipeline: Compose, frames: Iterable[np.ndarray]
) -> tuple[MaskComparison, dict[str, list[float]]]:
    """Run a stream and mmdet's inference on the same frames, in turns.

    Args:
        segmenter: The stream, before its first frame.
        detector: Of :func:`load_detector`.
        pipeline: Of :func:`mmdet_pipeline`.
        frames: (H, W, 3) uint8 RGB.

    Returns:
        The comparison, and milliseconds of each frame as ``ours`` and ``mmdet``.
    """
    comparison, times = MaskComparison(), {'ours': [], 'mmdet': []}
    for frame in frames:
        result = segmenter.step(frame)
        times['ours'].append(result.timings['total'])
        started = perf_counter()
        sample = inference_detector(detector, np.ascontiguousarray(frame[..., ::-1]), pipeline)
        times['mmdet'].append(1e3 * (perf_counter() - started))
        comparison.add(result, sample, segmenter.model.score_thr)
    return comparison, times


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Compare with the options of the command line."""
    args = parse_args(arguments)
    prepare_process(args.threads)
    theirs = detector_config(args.detector)
    if args.random_weights:
        write_random_weights(theirs, args.checkpoint)
    segmenter = OnlineSegmenter(args.config, args.checkpoint, args.device, args.cfg_options)
    scales = [step.scale for step in segmenter.model.cfg.test_dataloader.dataset.pipeline if 'scale' in step]
    if len(scales) != 1:
        raise InputError(f'config {args.config}: expected one transform with a scale in the test pipeline')
    detector = load_detector(theirs, args.checkpoint, segmenter.device)
    source = encoded_frames(args.input, args.size)
    frames = (image for image, _ in itertools.islice(source.frames, args.frames))
    comparison, times = compare(segmenter, detector, mmdet_pipeline(theirs, tuple(scales[0])), frames)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    print(comparison)
    print(f'a frame takes {medians["ours"]:.0f} ms here and {medians["mmdet"]:.0f} ms in mmdet')
    if args.json:
        figures = dict(machine=describe_machine(segmenter.device), source=source.name, size=list(source.size))
        write_json(args.json, figures | dict(median_ms=medians) | vars(comparison))


if __name__ == '__main__':
    main()

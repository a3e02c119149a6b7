"""Objects of other clips, put into a clip: more objects, more occlusion, no new annotation.

After "Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation" (Ghiasi et al., CVPR 2021), for
clips: a pasted object keeps moving through all frames.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.structures.mask import BitmapMasks

from mmrcf.datasets.clips import clip_rng
from mmrcf.errors import InputError
from mmrcf.registry import TRANSFORMS
from mmrcf.structures import IGNORED_LABEL

from .compositing import Layer, composite
from .paste_objects import ClipObject, choose_matrices
from .paste_sources import OBJECT_KEYS, PasteSources


@TRANSFORMS.register_module()
class VideoCopyPaste(BaseTransform):
    """Paste objects of other clips into a clip.

    An object keeps its own motion, and is moved along a smooth path besides. It gets a new track ID, and lies over the
    clip's objects or behind them. What it covers is taken from the masks beneath, ignored regions included; an object
    that no frame shows is not added. Everything is a function of the clip's seed.

    Args:
        sources: Configs of data sets for training with one annotation file each, all with the same classes. Their
            pipelines load frames and annotations, and end before the clip is packed; their clips have as many frames
            as the clip (``num_references`` + ``num_targets``).
        classes: Class names of the clip, or the name of a list in ``classes.CLASS_LISTS``; the sources must have
            the same. None for those of the first source; ``DatasetCheckHook`` compares them with the clip's.
        weights: How often each source is drawn from, relative to the others; None for equally often.
        max_objects: Most objects to paste; a clip that gets any gets 1 to ``max_objects``.
        max_total: Most objects of a clip, pasted ones included (a model has N slots), or None.
        prob: Probability of pasting anything, in [0, 1].
        behind_prob: Probability that an object lies behind those of the clip, in [0, 1].
        flip_prob: Probability that an object is mirrored, in [0, 1].
        scale_range: Smallest and largest longer side of an object, as a part of the frame's shorter side. It is not
            enlarged more than twice.
        translate: Largest movement over the clip, as a part of width and height.
        rotate: Largest rotation over the clip, in degrees.
        scale: Largest ratio of sizes over the clip, at least 1.
        min_pixels: Least pixels of an object in every frame of its source, and in one frame of the clip.
        min_visible: Least part of an object that one frame of the clip shows, in [0, 1]; an object that is hidden
            further is not pasted.

    Raises:
        InputError: A value is out of range, a source cannot be used, or their classes or clips differ.
    """

    def __init__(
        self,
        sources: Sequence[dict],
        classes: str | Sequence[str] | None = None,
        weights: Sequence[float] | None = None,
        max_objects: int = 3,
        max_total: int | None = None,
        prob: float = 0.5,
        behind_prob: float = 0.3,
        flip_prob: float = 0.5,
        scale_range: tuple[float, float] = (0.15, 0.7),
        translate: float = 0.2,
        rotate: float = 10.0,
        scale: float = 1.2,
        min_pixels: int = 64,
        min_visible: float = 0.25,
    ) -> None:
        shares = dict(prob=prob, behind_prob=behind_prob, flip_prob=flip_prob, min_visible=min_visible)
        for name, value in shares.items():
            if not 0 <= value <= 1:
                raise InputError(f'VideoCopyPaste: {name}={value}, expected a number from 0 to 1')
        if max_objects < 0 or min_pixels < 1 or (max_total is not None and max_total < 0):
            raise InputError(
                f'VideoCopyPaste: max_objects={max_objects}, max_total={max_total} (at least 0), '
                f'min_pixels={min_pixels} (at least 1); correct the config'
            )
        if len(scale_range) != 2 or not 0 < scale_range[0] <= scale_range[1]:
            raise InputError(f'VideoCopyPaste: scale_range={scale_range}, expected 0 < smallest <= largest')
        if translate < 0 or rotate < 0 or scale < 1:
            raise InputError(
                f'VideoCopyPaste: translate={translate}, rotate={rotate} (at least 0), scale={scale} (at least 1); '
                'correct the config'
            )
        self.sources = PasteSources(sources, classes, weights)
        self.max_objects = max_objects
        self.max_total = max_total
        self.prob = prob
        self.behind_prob = behind_prob
        self.flip_prob = flip_prob
        self.scale_range = tuple(scale_range)
        self.reach = np.array([translate, translate, rotate, math.log(scale)])
        self.min_pixels = min_pixels
        self.min_visible = min_visible

    def transform(self, results: dict) -> dict:
        """Paste into ``img``, ``gt_masks``, ``gt_bboxes_labels`` and ``gt_instances_ids``.

        Raises:
            InputError: The clip has no annotations, or the sources give clips of another length.
        """
        if 'gt_masks' not in results:
            raise InputError('VideoCopyPaste: the clip has no gt_masks; put it behind LoadClipAnnotations')
        if len(results['img']) != self.sources.clip_length:
            raise InputError(
                f'VideoCopyPaste: the sources give clips of {self.sources.clip_length} frames, but the clip has '
                f'{len(results["img"])}; set num_references and num_targets as in the data set that the clip is from'
            )
        rng = clip_rng(results)
        if self.max_objects == 0 or rng.random() >= self.prob:
            return results
        room = math.inf if self.max_total is None else self.max_total - _count_objects(results)
        wanted = min(int(rng.integers(1, self.max_objects + 1)), room)
        if wanted <= 0:
            return results
        objects = self.sources.draw(rng, wanted, self.min_pixels)
        frame_size = results['img'][0].shape[:2]
        layers = [self._lay(rng, item, frame_size) for item in objects]
        # Drawn in random order already; a stable sort puts those behind last.
        order = sorted(range(len(layers)), key=lambda index: layers[index].behind)
        return self._paste(results, [objects[index] for index in order], [layers[index] for index in order])

    def _lay(self, rng: np.random.Generator, item: ClipObject, frame_size: tuple[int, int]) -> Layer:
        matrices = choose_matrices(rng, item, frame_size, self.scale_range, self.flip_prob, self.reach)
        pairs = zip(item.cut_outs, matrices, strict=True)
        patches = [cut_out.warp(matrix, *frame_size) for cut_out, matrix in pairs]
        return Layer(patches, behind=bool(rng.random() < self.behind_prob))

    def _paste(self, results: dict, objects: Sequence[ClipObject], layers: Sequence[Layer]) -> dict:
        """Paint the layers and append the rows of those that are seen."""
        images = [image.copy() for image in results['img']]
        # A frame that is a duplicate shares its arrays.
        beneath = [masks.masks.copy() for masks in results['gt_masks']]
        shields = [
            (masks[labels != IGNORED_LABEL] != 0).any(axis=0).astype(np.uint8)
            for masks, labels in zip(beneath, results['gt_bboxes_labels'], strict=True)
        ]
        shown = composite(images, beneath, shields, layers, self.min_pixels, self.min_visible)
        kept = [(item.label, seen) for item, seen in zip(objects, shown, strict=True) if seen is not None]
        if not kept:
            return results
        new_labels = np.array([label for label, _ in kept], np.int64)
        largest = max((int(ids.max()) for ids in results['gt_instances_ids'] if len(ids)), default=0)
        new_ids = np.arange(largest + 1, largest + 1 + len(kept))
        results['img'] = images
        results['gt_masks'] = [
            BitmapMasks(np.concatenate([own, [seen[frame] for _, seen in kept]]), *images[0].shape[:2])
            for frame, own in enumerate(beneath)
        ]
        results['gt_bboxes_labels'] = [np.concatenate([labels, new_labels]) for labels in results['gt_bboxes_labels']]
        results['gt_instances_ids'] = [np.concatenate([ids, new_ids]) for ids in results['gt_instances_ids']]
        return results


def _count_objects(results: dict) -> int:
    """How many objects are seen in a clip."""
    track_ids = set()
    for masks, labels, ids in zip(*(results[key] for key in OBJECT_KEYS[1:]), strict=True):
        rows = np.flatnonzero(labels != IGNORED_LABEL)
        track_ids |= {int(ids[row]) for row in rows if cv2.countNonZero(masks.masks[row])}
    return len(track_ids)

"""One synthetic video on disk: JPEG frames, a WAV file, and its entries for the annotation file."""

import wave
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from mmrcf.synthetic.audio_schedule import loudness
from mmrcf.synthetic.categories import Variant
from mmrcf.synthetic.render import render_audio, render_frames
from mmrcf.synthetic.scene import Scene
from mmrcf.synthetic.voices import SAMPLE_RATE

JPEG_QUALITY = 92
MIN_VISIBLE_AREA = 25
"""An object of which fewer pixels are visible counts as not visible: its segmentation is null."""


def write_video(folder: Path, video_id: int, scene: Scene, variant: Variant) -> tuple[dict, list[dict]]:
    """Write ``JPEGImages/<name>/00000.jpg ...`` and ``WAVAudios/<name>.wav`` below ``folder``.

    Args:
        folder: The split's folder.
        video_id: From 1; the name is the id in four digits.
        scene: The plan of the video.
        variant: The benchmark.

    Returns:
        The entry for ``videos`` and those for ``annotations`` (without their ``id``). Beyond the official keys a video
        has ``fps`` and an annotation ``hard_frames`` (indices of visible but degraded frames) and ``loudness`` (a
        number in [0, 1] for each frame).
    """
    name = f'{video_id:04d}'
    frames_folder = folder / 'JPEGImages' / name
    frames_folder.mkdir(parents=True)
    segmentations: list[list[dict | None]] = [[] for _ in scene.actors]
    file_names = []
    for index, (picture, masks) in enumerate(render_frames(scene)):
        file_names.append(f'{name}/{index:05d}.jpg')
        _, encoded = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        (frames_folder / f'{index:05d}.jpg').write_bytes(encoded.tobytes())
        for track, mask in zip(segmentations, masks, strict=True):
            track.append(_to_rle(mask))
    _write_wav(folder / 'WAVAudios' / f'{name}.wav', render_audio(scene, variant))

    height, width = scene.size
    shared = dict(height=height, width=width, length=scene.num_frames)
    video = dict(id=video_id, **shared, fps=scene.fps, file_names=file_names)
    times = np.arange(scene.num_frames) / scene.fps
    annotations = []
    for actor, track in zip(scene.actors, segmentations, strict=True):
        if not any(track):
            continue
        annotations.append(
            dict(
                video_id=video_id,
                category_id=actor.category + 1,
                iscrowd=0,
                **shared,
                segmentations=track,
                bboxes=[mask_utils.toBbox(rle).tolist() if rle else None for rle in track],
                areas=[int(mask_utils.area(rle)) if rle else None for rle in track],
                hard_frames=[frame for frame, rle in enumerate(track) if rle and actor.hard[frame]],
                loudness=[round(float(value), 3) for value in loudness(actor.bursts, times)],
            )
        )
    return video, annotations


def categories(variant: Variant) -> list[dict[str, Any]]:
    """The ``categories`` of the annotation file, ids from 1."""
    return [dict(id=index + 1, name=name, supercategory='shape') for index, name in enumerate(variant.classes)]


def _to_rle(mask: np.ndarray) -> dict[str, Any] | None:
    """A mask as compressed COCO RLE with its counts as text; None where too little is visible."""
    if np.count_nonzero(mask) < MIN_VISIBLE_AREA:
        return None
    rle = mask_utils.encode(np.asfortranarray(mask, dtype=np.uint8))
    return dict(size=[int(side) for side in rle['size']], counts=rle['counts'].decode('ascii'))


def _write_wav(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype('<i2').tobytes())

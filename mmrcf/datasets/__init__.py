from .annotations.class_maps import COCO_TO_YOUTUBE_VIS_2019, COCO_TO_YOUTUBE_VIS_2021
from .avis import AVISDataset
from .classes import CLASS_LISTS, YOUTUBE_VIS_2019_CLASSES, YOUTUBE_VIS_2021_CLASSES
from .clips import ClipRequest, collate_clips
from .coco_pseudo_video import COCOPseudoVideoDataset
from .joint_dataset import JointDataset
from .samplers import ClipSampler, JointSampler, VideoFrameSampler
from .youtube_vis import YouTubeVISDataset

__all__ = [
    'CLASS_LISTS',
    'COCO_TO_YOUTUBE_VIS_2019',
    'COCO_TO_YOUTUBE_VIS_2021',
    'YOUTUBE_VIS_2019_CLASSES',
    'YOUTUBE_VIS_2021_CLASSES',
    'AVISDataset',
    'COCOPseudoVideoDataset',
    'ClipRequest',
    'ClipSampler',
    'JointDataset',
    'JointSampler',
    'VideoFrameSampler',
    'YouTubeVISDataset',
    'collate_clips',
]

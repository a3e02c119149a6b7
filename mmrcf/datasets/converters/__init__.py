"""Readers of other annotation formats, and writers of the two that this project reads."""

from .class_table import ClassTable, read_class_table, read_name_list
from .cvat import convert_cvat
from .id_masks import DAVIS_2016_CLASSES, convert_davis, convert_segtrack
from .labelme import convert_labelme, convert_labelme_videos
from .mots import MOTS_CLASSES, convert_mots
from .voc import VOC_CLASSES, convert_voc
from .writer import Converted, LabelledVideo, ObjectTrack, coco_content, youtube_vis_content

__all__ = [
    'DAVIS_2016_CLASSES',
    'MOTS_CLASSES',
    'VOC_CLASSES',
    'ClassTable',
    'Converted',
    'LabelledVideo',
    'ObjectTrack',
    'coco_content',
    'convert_cvat',
    'convert_davis',
    'convert_labelme',
    'convert_labelme_videos',
    'convert_mots',
    'convert_segtrack',
    'convert_voc',
    'read_class_table',
    'read_name_list',
    'youtube_vis_content',
]

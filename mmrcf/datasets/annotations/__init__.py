"""One reader of annotation files: YouTube-VIS, COCO and CocoVID JSON become records with every field checked."""

from .labels import read_labelled_videos
from .reader import AnnotationReader, parse_annotations, read_annotations
from .records import RLE, AnnotationFile, AnnotationRecord, FrameObject, VideoRecord, file_content
from .validation import validate_annotations
from .view import AnnotationView

__all__ = [
    'RLE',
    'AnnotationFile',
    'AnnotationReader',
    'AnnotationRecord',
    'AnnotationView',
    'FrameObject',
    'VideoRecord',
    'file_content',
    'parse_annotations',
    'read_annotations',
    'read_labelled_videos',
    'validate_annotations',
]

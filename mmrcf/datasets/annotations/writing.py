"""Records as the content of an annotation file; areas and boxes are computed from the masks."""

from pycocotools import mask as mask_utils

from .records import RLE, AnnotationFile, AnnotationRecord, VideoRecord


def file_content(file: AnnotationFile) -> dict:
    """Content in the COCO layout where the file has images, else in the official YouTube-VIS layout.

    Fields that the records have beside those of the layout are written too. In the YouTube-VIS layout,
    ``segmentations``, ``bboxes`` and ``areas`` have an entry for each frame, None where the object is absent.

    Raises:
        InputError: The masks of an annotation do not fit its video.
    """
    content: dict = {
        'images' if file.has_images else 'videos': [_video_entry(video) for video in file.videos.values()],
        'categories': [dict(id=category_id, name=name) for category_id, name in file.categories.items()],
    }
    if file.annotations is not None:
        content['annotations'] = [_annotation_entry(item, file) for item in file.annotations]
    return content


def _video_entry(video: VideoRecord) -> dict:
    own = dict(id=video.video_id, height=video.height, width=video.width)
    if video.is_image:
        return dict(video.entry) | own | dict(file_name=video.file_names[0])
    return dict(video.entry) | own | dict(length=video.length, file_names=list(video.file_names))


def _annotation_entry(item: AnnotationRecord, file: AnnotationFile) -> dict:
    video = file.videos[item.video_id]
    shared = dict(id=item.annotation_id, category_id=item.category_id, iscrowd=int(item.crowd))
    rles = file.rles(item)
    masks = [None if rle is None else _json_rle(rle) for rle in rles]
    boxes = [None if rle is None else [int(value) for value in mask_utils.toBbox(rle)] for rle in rles]
    areas = [None if rle is None else int(mask_utils.area(rle)) for rle in rles]
    if file.has_images:
        own = dict(image_id=item.video_id, segmentation=masks[0], bbox=boxes[0], area=areas[0])
    else:
        size = dict(height=video.height, width=video.width, length=video.length)
        own = dict(video_id=item.video_id, segmentations=masks, bboxes=boxes, areas=areas) | size
    return dict(item.entry) | shared | own


def _json_rle(rle: RLE) -> dict:
    return dict(size=[int(side) for side in rle['size']], counts=rle['counts'].decode('ascii'))

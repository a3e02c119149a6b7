from .mask2former_vis import OnlineMask2FormerVIS
from .masktrack_rcnn import OnlineMaskTrackRCNN

__all__ = ['OnlineMask2FormerVIS', 'OnlineMaskTrackRCNN']

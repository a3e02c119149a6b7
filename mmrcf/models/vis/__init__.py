from .mask2former_vis import OnlineMask2FormerVIS
from .masktrack_rcnn import OnlineMaskTrackRCNN
from .online_mask2former import OnlineMask2Former
from .online_model import OnlineModel
from .rcf import RCF

__all__ = ['OnlineMask2Former', 'OnlineMask2FormerVIS', 'OnlineMaskTrackRCNN', 'OnlineModel', 'RCF']

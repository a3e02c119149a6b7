from .fpn_mask_decoder import FPNMaskDecoder

__all__ = ['FPNMaskDecoder']

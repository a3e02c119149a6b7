from .timm_backbone import TimmBackbone, build_backbone, is_timm

__all__ = ['TimmBackbone', 'build_backbone', 'is_timm']

from .timm_backbone import TimmBackbone, build_backbone

__all__ = ['TimmBackbone', 'build_backbone']

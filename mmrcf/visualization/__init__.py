from .palette import identity_color
from .track_visualizer import draw_tracks

__all__ = ['draw_tracks', 'identity_color']

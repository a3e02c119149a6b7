from .attention_recorder import (
    AttentionRecorder,
    AttentionShares,
    AttentionSummary,
    EncoderShares,
    EncoderSummary,
    WeightRecorder,
)
from .clip_sheet import add_title, draw_clip, stack_rows
from .differences import TrackComparison
from .encoder_attention import AudioAttention, EncoderAttention, ValidPart, attention_picture
from .label_text import drawable_text
from .panels import fit, heat_map, panel, side_by_side, stacked
from .track_colors import track_color
from .track_visualizer import TrackPainter, TrackStyle, draw_tracks

__all__ = [
    'AttentionRecorder',
    'AttentionShares',
    'AttentionSummary',
    'AudioAttention',
    'EncoderAttention',
    'EncoderShares',
    'EncoderSummary',
    'TrackComparison',
    'TrackPainter',
    'TrackStyle',
    'ValidPart',
    'WeightRecorder',
    'add_title',
    'attention_picture',
    'draw_clip',
    'draw_tracks',
    'drawable_text',
    'fit',
    'heat_map',
    'panel',
    'side_by_side',
    'stack_rows',
    'stacked',
    'track_color',
]

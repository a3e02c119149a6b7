from .attention_recorder import (
    AttentionRecorder,
    AttentionShares,
    AttentionSummary,
    EncoderShares,
    EncoderSummary,
    WeightRecorder,
)
from .clip_sheet import draw_clip, stack_rows
from .differences import TrackComparison
from .encoder_attention import AudioAttention, EncoderAttention, ValidPart, attention_picture
from .panels import fit, heat_map, panel, side_by_side, stacked
from .track_visualizer import draw_tracks, track_color

__all__ = [
    'AttentionRecorder',
    'AttentionShares',
    'AttentionSummary',
    'AudioAttention',
    'EncoderAttention',
    'EncoderShares',
    'EncoderSummary',
    'TrackComparison',
    'ValidPart',
    'WeightRecorder',
    'attention_picture',
    'draw_clip',
    'draw_tracks',
    'fit',
    'heat_map',
    'panel',
    'side_by_side',
    'stack_rows',
    'stacked',
    'track_color',
]

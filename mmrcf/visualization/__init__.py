from .attention_recorder import AttentionRecorder, AttentionShares, AttentionSummary
from .audio_attention import AudioAttention, audio_attention_picture
from .clip_sheet import draw_clip, stack_rows
from .track_visualizer import draw_tracks, track_color

__all__ = [
    'AttentionShares',
    'AttentionRecorder',
    'AudioAttention',
    'AttentionSummary',
    'audio_attention_picture',
    'draw_clip',
    'draw_tracks',
    'track_color',
    'stack_rows',
]

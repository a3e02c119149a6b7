from .attention_recorder import AttentionMass, AttentionRecorder, MassSummary
from .audio_attention import AudioAttention, audio_attention_picture
from .clip_sheet import draw_clip, stack_rows
from .track_visualizer import draw_tracks, identity_color

__all__ = [
    'AttentionMass',
    'AttentionRecorder',
    'AudioAttention',
    'MassSummary',
    'audio_attention_picture',
    'draw_clip',
    'draw_tracks',
    'identity_color',
    'stack_rows',
]

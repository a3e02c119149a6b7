"""What a run over a whole source came to, in one line."""

from dataclasses import dataclass

from .latency import Latency


@dataclass(frozen=True)
class RunSummary:
    """What a run over a source came to.

    Attributes:
        frames: Frames that were processed.
        skipped: Frames that could not be read.
        dropped: Frames of a camera or live stream that were passed over to keep up with it.
        objects: Different identities that were shown.
        fps: Frames a second over the whole run: reading, model, drawing and writing.
        latency: t_stream and t_model.
        interrupted: Whether the user stopped the run; outputs hold what was done till then.
        audio: What the model used: a name with rate and channels, or 'none'. None for a model that takes no audio.
    """

    frames: int
    skipped: int
    dropped: int
    objects: int
    fps: float
    latency: Latency
    interrupted: bool
    audio: str | None = None

    def __str__(self) -> str:
        left_out = [f'{self.skipped} unreadable'] if self.skipped else []
        left_out += [f'{self.dropped} dropped to keep up'] if self.dropped else []
        notes = f' ({", ".join(left_out)})' if left_out else ''
        stopped = 'interrupted after ' if self.interrupted else ''
        parts = [f'{stopped}{self.frames} frames{notes}, {self.objects} objects, {self.fps:.1f} FPS']
        parts += [f'audio: {self.audio}'] if self.audio is not None else []
        return '; '.join([*parts, str(self.latency)])

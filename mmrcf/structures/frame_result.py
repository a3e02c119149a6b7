"""The prediction for one frame. It is final: later frames do not change it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mmrcf.errors import InputError

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The n objects of one frame, in descending order of score.

    Attributes:
        frame_index: Index of the frame in its stream, from 0; from ``RCFInferencer`` its index in the source.
        ids: (n,) int64. Track IDs, unique in a frame, stable over the stream.
        labels: (n,) int64. Class indices in [0, K).
        scores: (n,) float32. Probability of the class in ``labels``, in [0, 1].
        masks: (n, H, W) bool, at the size of the input frame.
        boxes: (n, 4) float32. x1, y1, x2, y2 in pixels around the mask, x2 and y2 exclusive; zeros for an empty mask.
        class_names: n names.
        class_probs: (n, K) float32. Probabilities of the non-empty classes.
        queries: (n,) int64. The instance query that predicted the object; for a model that matches detections to
            tracks, the track.
        timings: Milliseconds by stage ('preprocess', 'model', ...).
    """

    frame_index: int
    ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    masks: np.ndarray
    boxes: np.ndarray
    class_names: tuple[str, ...]
    class_probs: np.ndarray
    queries: np.ndarray
    timings: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.ids)
        for name in ('labels', 'scores', 'masks', 'boxes', 'class_names', 'class_probs', 'queries'):
            if len(getattr(self, name)) != count:
                raise ValueError(f'FrameResult.{name} has length {len(getattr(self, name))}, expected {count} as ids')
        if len(set(self.ids.tolist())) != count:
            raise ValueError(f'FrameResult.ids must be unique in a frame, got {self.ids.tolist()}')

    def __len__(self) -> int:
        return len(self.ids)

    def to_supervision(self) -> 'supervision.Detections':
        """The objects as ``Detections`` of Roboflow's supervision, for its annotators, zones and line counters.

        Returns:
            ``xyxy`` (x2 and y2 exclusive), ``mask``, ``confidence``, ``class_id`` (the label), ``tracker_id`` (the
            track ID), and ``data['class_name']``.

        Raises:
            InputError: supervision is not installed.
        """
        try:
            import supervision
        except ImportError as error:
            raise InputError(
                'FrameResult.to_supervision needs supervision, which is not installed; install it with: pip install '
                "'mmrcf[supervision]'"
            ) from error
        return supervision.Detections(
            xyxy=self.boxes,
            mask=self.masks,
            confidence=self.scores,
            class_id=self.labels,
            tracker_id=self.ids,
            data={'class_name': np.array(self.class_names, dtype=str)},
        )

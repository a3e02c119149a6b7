"""Assigns instance queries to ground truth (Eq. 3), one to one."""

from collections.abc import Mapping, Sequence

import numpy as np
import scipy
import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmrcf.registry import TASK_UTILS


class SlotMatcher:
    """Hungarian matching on a sum of match costs, in two steps: all costs of a step leave the device together.

    Args:
        match_costs: Configs of mmdet match costs; they see ``scores`` (class logits), ``masks`` (mask logits) and
            ``anchors`` (N, 2), if the queries have any. The cost of a pair may depend on that pair alone.
    """

    def __init__(self, match_costs: Sequence[dict]) -> None:
        self.match_costs = [TASK_UTILS.build(cost) for cost in match_costs]

    @torch.no_grad()
    def costs(
        self, cls_logits: Tensor, mask_logits: Tensor, labels: Tensor, masks: Tensor, anchors: Tensor | None = None
    ) -> Tensor:
        """Costs (N, n) of all pairs of one frame, float32.

        Args:
            cls_logits: (N, K + 1).
            mask_logits: (N, H_o, W_o).
            labels: (n,) ground-truth classes.
            masks: (n, H_o, W_o) ground-truth masks in [0, 1].
            anchors: (N, 2), where the queries are, for a cost that asks for it; None where they have no anchor.
        """
        if not len(labels):
            return cls_logits.new_zeros(len(cls_logits), 0, dtype=torch.float32)
        # In float32 under autocast too: a sum over a whole map leaves the range of half precision.
        with torch.autocast(cls_logits.device.type, enabled=False):
            predictions = InstanceData(scores=cls_logits.float(), masks=mask_logits.float())
            if anchors is not None:
                predictions.anchors = anchors
            truth = InstanceData(labels=labels, masks=masks.float())
            return torch.stack([match_cost(predictions, truth) for match_cost in self.match_costs]).sum(0)

    @staticmethod
    def assign(costs: np.ndarray, fixed: Mapping[int, int] | None = None) -> list[tuple[int, int]]:
        """The pairs of the lowest total cost.

        Args:
            costs: (N, n), of :meth:`costs`.
            fixed: Ground truth -> slot, pairs that are not up for matching (order supervision, Table VII).

        Returns:
            Pairs of slot and ground-truth index, sorted by slot. With more objects than slots, some stay unmatched.

        Raises:
            FloatingPointError: A cost is not a number, because an output of the model is none.
        """
        if not np.isfinite(costs).all():
            raise FloatingPointError('a matching cost is nan or infinite')
        fixed = dict(fixed or {})
        slots = [slot for slot in range(costs.shape[0]) if slot not in fixed.values()]
        objects = [index for index in range(costs.shape[1]) if index not in fixed]
        rows, columns = scipy.optimize.linear_sum_assignment(costs[np.ix_(slots, objects)])
        pairs = [(slots[row], objects[column]) for row, column in zip(rows, columns, strict=True)]
        return sorted([*pairs, *((slot, index) for index, slot in fixed.items())])

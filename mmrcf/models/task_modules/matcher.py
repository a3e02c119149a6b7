"""Assigns instance queries to ground truth (Eq. 3), one to one."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from mmengine.structures import InstanceData
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mmrcf.registry import TASK_UTILS


class SlotMatcher:
    """Hungarian matching on a sum of match costs.

    Args:
        match_costs: Configs of mmdet match costs; they see ``scores`` (class logits), ``masks`` (mask logits) and
            ``anchors`` (N, 2), if the queries have any.
    """

    def __init__(self, match_costs: Sequence[dict]) -> None:
        self.match_costs = [TASK_UTILS.build(cost) for cost in match_costs]

    @torch.no_grad()
    def __call__(
        self,
        cls_logits: Tensor,
        mask_logits: Tensor,
        labels: Tensor,
        masks: Tensor,
        fixed: Mapping[int, int] | None = None,
        anchors: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Match the slots of one frame.

        Args:
            cls_logits: (N, K + 1).
            mask_logits: (N, H_o, W_o).
            labels: (n,) ground-truth classes.
            masks: (n, H_o, W_o) ground-truth masks in [0, 1].
            fixed: Ground truth -> slot, pairs that are not up for matching (order supervision, Table VII).
            anchors: (N, 2), where the queries are, for a cost that asks for it; None where they have no anchor.

        Returns:
            Slots and ground-truth indices of the pairs, int64, sorted by slot. With more objects than slots, some stay
            unmatched.

        Raises:
            FloatingPointError: A cost is not a number, because an output of the model is none.
        """
        fixed = dict(fixed or {})
        device = cls_logits.device
        free_slots = [slot for slot in range(len(cls_logits)) if slot not in fixed.values()]
        free_objects = [index for index in range(len(labels)) if index not in fixed]
        pairs = [(slot, index) for index, slot in fixed.items()]
        if free_slots and free_objects:
            # In float32 under autocast too: a sum over a whole map leaves the range of half precision.
            with torch.autocast(device.type, enabled=False):
                predictions = InstanceData(scores=cls_logits[free_slots].float(), masks=mask_logits[free_slots].float())
                if anchors is not None:
                    predictions.anchors = anchors[free_slots]
                truth = InstanceData(labels=labels[free_objects], masks=masks[free_objects].float())
                cost = torch.stack([match_cost(predictions, truth) for match_cost in self.match_costs]).sum(0)
            cost = cost.cpu().numpy()
            if not np.isfinite(cost).all():
                raise FloatingPointError('a matching cost is nan or infinite')
            rows, columns = linear_sum_assignment(cost)
            pairs += [(free_slots[row], free_objects[column]) for row, column in zip(rows, columns, strict=True)]
        matched = torch.tensor(sorted(pairs), dtype=torch.long, device=device).reshape(-1, 2)
        return matched[:, 0], matched[:, 1]

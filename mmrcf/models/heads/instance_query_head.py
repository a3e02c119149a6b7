"""The instance-query head (Section III-B-2 and -3, Fig. 5): instance code, classes, dynamic filters, losses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmrcf.registry import MODELS

from ..layers import FusedTokens, LocalContent, MaskPooling, TransformerDecoder, anchor_positions, grid_anchors
from ..losses import SemanticLoss
from ..losses.reduction import reduce_mean
from ..task_modules import FrameTargets, SlotMatcher


@dataclass(frozen=True, eq=False)
class SlotOutputs:
    """The outputs of the N slots for B frames after one decoder layer.

    Attributes:
        cls_logits: (B, N, K + 1); the last class is empty.
        mask_logits: (B, N, H_o, W_o); above 0 means a probability above 0.5.
        codes: (B, N, C_e), the instance code e_t.
        segmentation_map: (B, C_o, H_o, W_o), S_t, where the dense class loss needs it: in training, on the last layer.
        foreground: (B, H_o, W_o), probability of an object according to the dense class loss, if there is one: at
            inference, on the last layer.
    """

    cls_logits: Tensor
    mask_logits: Tensor
    codes: Tensor
    segmentation_map: Tensor | None = None
    foreground: Tensor | None = None


@MODELS.register_module()
class InstanceQueryHead(BaseModule):
    """N learned queries attend to all fused tokens; each becomes a class and a filter on the segmentation map.

    Args:
        num_classes: Number of classes K, without the empty one.
        num_queries: Number of instance queries N.
        embed_dims: Width C_e of the instance code, equal to the token width C'.
        mask_dims: Channels C_o of the segmentation map.
        decoder: Arguments of :class:`~mmrcf.models.layers.TransformerDecoder`, without ``embed_dims``.
        match_costs: Costs of the Hungarian matching (Eq. 3).
        loss_cls: Class loss over all slots (first term of Eq. 4); a class weight for the empty class belongs here.
        loss_dice: Dice loss over matched slots (second term of Eq. 4).
        loss_mask: Mask cross-entropy over matched slots; None (the paper) for none.
        loss_reduction: ``'mean'``: losses are means over all slots (class, weighted) and all matched pairs (masks) of a
            batch. ``'sum'``, as Eq. 4 is written: sums over the slots and pairs of a frame, means over frames.
        auxiliary_loss: Whether the outputs of earlier decoder layers have losses too, each layer with its own matching.
        order_supervision: Whether the matching assigns an object to the same slot as in the frame before (Table VII).
            Needs clips with at least two targets.
        query_grid: Whether each query has an anchor on a grid over the image. Its position is initialised with the sine
            position of the anchor, and the attention so that a query attends to tokens near its anchor. With
            ``CenterDistanceCost`` among the match costs, it is matched with objects nearby. In the paper queries are
            initialised at random, and their differences must be learned.
        local_content: Whether a query with an anchor starts from the target tokens around it; see
            :class:`LocalContent`. In the paper it starts from learned content only.
        mask_pooling: Whether each decoder layer gets the mean of the segmentation map over the query's current mask;
            see :class:`MaskPooling`. The masks of the initial queries then have losses too. In the paper a query
            attends only to tokens.
        semantic_weight: Weight of a dense class loss on the segmentation map in training; see :class:`SemanticLoss`. 0
            (the paper) for none.
        ignored_share: A slot without an object has no class loss if more than this share of its mask lies in ignored
            regions, because the right class is unknown there. A slot with an object always has one.
    """

    def __init__(
        self,
        num_classes: int,
        num_queries: int = 10,
        embed_dims: int = 256,
        mask_dims: int = 256,
        decoder: dict | None = None,
        match_costs: Sequence[dict] = (
            dict(type='mmdet.ClassificationCost', weight=1.0),
            dict(type='mmdet.DiceCost', weight=1.0, pred_act=True, naive_dice=True, eps=1.0),
        ),
        loss_cls: dict | None = None,
        loss_dice: dict | None = None,
        loss_mask: dict | None = None,
        loss_reduction: str = 'mean',
        auxiliary_loss: bool = True,
        order_supervision: bool = False,
        query_grid: bool = False,
        local_content: bool = False,
        mask_pooling: bool = False,
        semantic_weight: float = 0.0,
        ignored_share: float = 0.5,
    ) -> None:
        super().__init__()
        for name, value in (('num_classes', num_classes), ('num_queries', num_queries)):
            if type(value) is not int or value < 1:
                raise ValueError(f'head.{name}={value!r}: expected a whole number, at least 1')
        for name, value, fits, expected in (
            ('semantic_weight', semantic_weight, semantic_weight >= 0, 'at least 0'),
            ('ignored_share', ignored_share, 0 < ignored_share <= 1, 'above 0, at most 1'),
        ):
            if not fits:
                raise ValueError(f'head.{name}={value}: expected a number {expected}')
        if loss_reduction not in ('mean', 'sum'):
            raise ValueError(f'head.loss_reduction={loss_reduction!r}: expected "mean" or "sum"')
        if local_content and not query_grid:
            raise ValueError('head.local_content=True needs queries with anchors; set query_grid=True')
        self.num_classes = num_classes
        self.num_queries = num_queries
        self.embed_dims = embed_dims
        self.mask_dims = mask_dims
        self.loss_reduction = loss_reduction
        self.auxiliary_loss = auxiliary_loss
        self.order_supervision = order_supervision
        self.ignored_share = ignored_share
        self.query_content = nn.Embedding(num_queries, embed_dims)
        self.query_position = nn.Embedding(num_queries, embed_dims)
        # Small content: in pre-norm layers a large one would outweigh what the slots learn about the frame.
        nn.init.normal_(self.query_content.weight, std=0.02)
        self.decoder = TransformerDecoder(embed_dims, **(decoder or {}))
        self.register_buffer('anchors', grid_anchors(num_queries) if query_grid else None, persistent=False)
        if query_grid:
            self._anchor_queries()
        self.local_content = LocalContent(self.anchors, embed_dims) if local_content else None
        self.classifier = nn.Linear(embed_dims, num_classes + 1)
        self.filters = nn.Sequential(
            nn.Linear(embed_dims, embed_dims), nn.ReLU(inplace=True), nn.Linear(embed_dims, mask_dims)
        )
        self.mask_pooling = MaskPooling(mask_dims, embed_dims) if mask_pooling else None
        self.matcher = SlotMatcher(match_costs)
        for cost in self.matcher.match_costs:
            if getattr(cost, 'needs_anchors', False) and not query_grid:
                raise ValueError(
                    f'head.match_costs has {type(cost).__name__}, but the queries have no anchors; set query_grid=True'
                )
        self.loss_cls = MODELS.build(loss_cls or _default_loss_cls(num_classes))
        self.loss_dice = MODELS.build(loss_dice or dict(type='mmdet.DiceLoss', naive_dice=True, eps=1.0))
        self.loss_mask = MODELS.build(loss_mask) if loss_mask else None
        self.semantic_loss = SemanticLoss(mask_dims, num_classes, semantic_weight) if semantic_weight else None
        weights = getattr(self.loss_cls, 'class_weight', None)
        if weights is not None and len(weights) != num_classes + 1:
            raise ValueError(
                f'head.loss_cls.class_weight has {len(weights)} entries, expected num_classes + 1 = {num_classes + 1}'
            )

    @torch.no_grad()
    def _anchor_queries(self) -> None:
        """Initialise positions with the anchors, and the projections of queries and keys with the same values."""
        self.query_position.weight.copy_(anchor_positions(self.anchors, self.embed_dims))
        for layer in self.decoder.layers:
            layer.cross_attention.key.load_state_dict(layer.cross_attention.query.state_dict())

    def forward(self, fused: FusedTokens, segmentation_map: Tensor, all_layers: bool = False) -> list[SlotOutputs]:
        """Decode the instance code and apply its dynamic filters, ``M_t = theta_t^T S_t``.

        Args:
            fused: The neck's output.
            segmentation_map: S_t (B, C_o, H_o, W_o).
            all_layers: Whether to return the output after every decoder layer, first to last, or just the last one.
        """
        batch = len(segmentation_map)
        content = self.query_content.weight[None].expand(batch, -1, -1)
        position = self.query_position.weight[None].expand(batch, -1, -1)
        if self.local_content is not None:
            content = content + self.local_content(fused)
        refine = None if self.mask_pooling is None else self._refinement(fused, segmentation_map)
        codes = self.decoder(content, position, fused.tokens, fused.positions, fused.padding, refine)
        outputs = [
            SlotOutputs(
                cls_logits=self.classifier(code), mask_logits=self._mask_logits(code, segmentation_map), codes=code
            )
            for code in (codes if all_layers else codes[-1:])
        ]
        if self.semantic_loss is not None:
            dense = (
                dict(segmentation_map=segmentation_map)
                if self.training
                else dict(foreground=self.semantic_loss.foreground(segmentation_map))
            )
            outputs[-1] = replace(outputs[-1], **dense)
        return outputs

    def _refinement(self, fused: FusedTokens, segmentation_map: Tensor) -> Callable[[Tensor], Tensor]:
        """The function that pools the segmentation map over the masks of codes (B, N, C_e), for each decoder layer."""
        coarse = F.avg_pool2d(segmentation_map, MaskPooling.stride, ceil_mode=True)
        valid = fused.valid_map(coarse.shape[-2:])

        def refine(code: Tensor) -> Tensor:
            """Codes (B, N, C_e) to what their masks cover, of the same shape."""
            return self.mask_pooling(self._mask_logits(code, coarse), coarse, valid)

        return refine

    def _mask_logits(self, code: Tensor, segmentation_map: Tensor) -> Tensor:
        """Apply the dynamic filters.

        If a filter has one number more than the map has channels, it is added to all pixels. It has so after the last
        convolution of the mask decoder was folded into the filters, never in training.
        """
        filters = self.filters(code)
        channels = segmentation_map.shape[1]
        logits = torch.einsum('bnc,bchw->bnhw', filters[..., :channels], segmentation_map)
        return logits if filters.shape[-1] == channels else logits + filters[..., channels:, None]

    def loss(
        self, outputs: Sequence[SlotOutputs], targets: Sequence[FrameTargets], num_targets: int
    ) -> dict[str, Tensor]:
        """Losses of Eq. 4 on every given decoder layer.

        Args:
            outputs: Per layer, over frames ordered clip by clip and in time within a clip.
            targets: The ground truth of those B * S frames.
            num_targets: Frames S of a clip.

        Returns:
            'loss_cls', 'loss_dice', 'loss_mask' and 'loss_semantic' (if configured) of the last layer; those of earlier
            layers with a prefix 'd0.'.
        """
        losses = {}
        segmentation_map = outputs[-1].segmentation_map
        if self.semantic_loss is not None and segmentation_map is not None:
            losses['loss_semantic'] = self.semantic_loss(segmentation_map, targets)
        last = len(outputs) - 1
        matches = self.match(outputs, targets, num_targets)
        for index, (output, pairs) in enumerate(zip(outputs, matches, strict=True)):
            prefix = '' if index == last else f'd{index}.'
            with torch.autocast(output.cls_logits.device.type, enabled=False):
                layer = self._layer_loss(output, targets, pairs)
            losses.update({prefix + name: value for name, value in layer.items()})
        return losses

    def match(
        self, outputs: Sequence[SlotOutputs], targets: Sequence[FrameTargets], num_targets: int
    ) -> list[list[tuple[Tensor, Tensor]]]:
        """Slots and ground-truth indices, int64 and sorted by slot, of the pairs of each frame, for each layer.

        Args:
            outputs: As in :meth:`loss`.
            targets: As in :meth:`loss`.
            num_targets: Frames S of a clip.

        Raises:
            FloatingPointError: An output is not a number.
        """
        device = outputs[0].cls_logits.device
        costs = [
            self.matcher.costs(
                output.cls_logits[index], output.mask_logits[index], target.labels, target.masks, self.anchors
            )
            for output in outputs
            for index, target in enumerate(targets)
        ]
        # One copy from the device for all costs of a step, not one for each frame and layer.
        values = torch.cat([cost.flatten() for cost in costs]).cpu().numpy()
        ends = np.cumsum([cost.numel() for cost in costs])
        tables = [part.reshape(cost.shape) for part, cost in zip(np.split(values, ends[:-1]), costs, strict=True)]
        layers = [
            self._assign(tables[first : first + len(targets)], targets, num_targets)
            for first in range(0, len(tables), len(targets))
        ]
        flat = [pair for layer in layers for pairs in layer for pair in pairs]
        lengths = [len(pairs) for layer in layers for pairs in layer]
        indices = torch.tensor(flat, dtype=torch.long, device=device).reshape(-1, 2).split(lengths)
        pairs = [tuple(pair.unbind(-1)) for pair in indices]
        return [pairs[first : first + len(targets)] for first in range(0, len(pairs), len(targets))]

    def _assign(
        self, costs: Sequence[np.ndarray], targets: Sequence[FrameTargets], num_targets: int
    ) -> list[list[tuple[int, int]]]:
        """Pairs of slot and ground-truth index of each frame, of one layer."""
        pairs = []
        kept: dict[int, int] = {}
        for index, target in enumerate(targets):
            if not self.order_supervision or index % num_targets == 0:
                kept = {}
            fixed = {i: kept[track_id] for i, track_id in enumerate(target.track_ids) if track_id in kept}
            pairs.append(self.matcher.assign(costs[index], fixed))
            kept = {target.track_ids[i]: slot for slot, i in pairs[-1]}
        return pairs

    def _layer_loss(
        self, output: SlotOutputs, targets: Sequence[FrameTargets], pairs: Sequence[tuple[Tensor, Tensor]]
    ) -> dict[str, Tensor]:
        """``loss_cls``, ``loss_dice`` and, if the head has it, ``loss_mask`` of one decoder layer (Eq. 4).

        Args:
            output: The predictions for B frames.
            targets: The objects of each frame.
            pairs: For each frame the matched slots and objects, int64.
        """
        logits = output.cls_logits.float()
        labels = logits.new_full(logits.shape[:2], self.num_classes, dtype=torch.long)
        for index, (slots, objects) in enumerate(pairs):
            labels[index, slots] = targets[index].labels[objects]
        class_weight = logits.new_tensor(getattr(self.loss_cls, 'class_weight', None) or [1.0] * (self.num_classes + 1))
        # Averages over all ranks, so that two ranks make the step that one rank with both batches makes.
        known = self._known_slots(output, targets, labels)
        num_pairs = sum(len(slots) for slots, _ in pairs)
        if self.loss_reduction == 'sum':
            cls_factor = mask_factor = reduce_mean(logits.new_tensor(float(len(logits))))
        else:
            cls_factor = reduce_mean((class_weight[labels] * known).sum()).clamp(min=1e-6)
            mask_factor = reduce_mean(logits.new_tensor(float(num_pairs))).clamp(min=1.0)
        losses = {
            'loss_cls': self.loss_cls(logits.flatten(0, 1), labels.flatten(), known.flatten(), avg_factor=cls_factor)
        }

        # One index over all frames: the gradient of an index is a tensor as large as all masks, each time.
        frames = torch.cat([torch.full_like(slots, index) for index, (slots, _) in enumerate(pairs)])
        predicted = output.mask_logits[frames, torch.cat([slots for slots, _ in pairs])].float()
        truth = torch.cat([targets[index].masks[objects] for index, (_, objects) in enumerate(pairs)])
        if num_pairs == 0:
            # Keeps every parameter in the graph: a rank without objects must still take part in the gradient reduction.
            nothing = output.mask_logits.float().sum() * 0.0
            losses['loss_dice'] = nothing
            if self.loss_mask is not None:
                losses['loss_mask'] = nothing
            return losses
        losses['loss_dice'] = self.loss_dice(predicted, truth, avg_factor=mask_factor)
        if self.loss_mask is not None:
            pixels = truth[0].numel()
            losses['loss_mask'] = self.loss_mask(predicted.flatten(), truth.flatten(), avg_factor=mask_factor * pixels)
        return losses

    def _known_slots(self, output: SlotOutputs, targets: Sequence[FrameTargets], labels: Tensor) -> Tensor:
        """(B, N) float: 0 for slots without an object whose masks lie in ignored regions, else 1."""
        known = torch.ones(labels.shape, device=labels.device)
        for index, target in enumerate(targets):
            if target.ignored is not None:
                masks = (output.mask_logits[index].detach() > 0).float() * target.valid
                # A slot without a mask claims nothing there: it has to be empty.
                share = (masks * target.ignored).sum((-2, -1)) / masks.sum((-2, -1)).clamp(min=1.0)
                known[index] = ((share <= self.ignored_share) | (labels[index] != self.num_classes)).float()
        return known


def _default_loss_cls(num_classes: int) -> dict:
    """Cross-entropy with weight 0.1 on the empty class, as MaskFormer, which the paper follows."""
    return dict(type='mmdet.CrossEntropyLoss', use_sigmoid=False, class_weight=[1.0] * num_classes + [0.1])

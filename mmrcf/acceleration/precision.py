"""What a network computes in."""

import torch

from mmrcf.errors import InputError

PRECISIONS = {'fp32': None, 'bf16': torch.bfloat16, 'fp16': torch.float16}


def autocast_type(precision: str, device: torch.device) -> torch.dtype | None:
    """What the network computes in: a type for autocast, or None for float32.

    Args:
        precision: 'fp32', 'bf16' or 'fp16'.
        device: Where the model runs.

    Raises:
        InputError: No such precision, or the device has no instructions for it (PyTorch would emulate them, hundreds of
            times slower).
    """
    if precision not in PRECISIONS:
        raise InputError(f'precision {precision!r}: expected one of {", ".join(PRECISIONS)}')
    if device.type == 'cpu' and precision == 'fp16':
        raise InputError('precision fp16: is for GPUs; give fp32, or bf16 where the processor has it')
    if device.type == 'cpu' and precision == 'bf16' and not _has_bf16():
        raise InputError('precision bf16: this processor has no instructions for it; give fp32')
    return PRECISIONS[precision]


def _has_bf16() -> bool:
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()

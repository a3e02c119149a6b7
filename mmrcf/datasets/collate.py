"""From a list of clips to a batch, where some of them have audio and some have none."""

from collections.abc import Sequence

from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS


@FUNCTIONS.register_module()
def collate_clips(batch: Sequence[dict]) -> dict:
    """As MMEngine's ``pseudo_collate``, for clips that need not have the same inputs.

    Data sets with and without audio may so be joined: ``collate_fn=dict(type='collate_clips')`` on the data loader.

    Args:
        batch: B clips, as ``PackClip`` leaves them.

    Returns:
        ``inputs``: for each key a list of B entries, None where a clip has no such input; ``data_samples``: B samples.
    """
    keys = dict.fromkeys(key for clip in batch for key in clip['inputs'])
    return pseudo_collate([clip | dict(inputs={key: clip['inputs'].get(key) for key in keys}) for clip in batch])

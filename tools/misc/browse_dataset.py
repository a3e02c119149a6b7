"""Draw training clips of a config as the model gets them, after all augmentation.

``python tools/misc/browse_dataset.py configs/rcf/rcf_r50_ytvis19.py --out clips.png``

A row is a clip; its references come first, then its targets. Clips come from the sampler of the config, so several data
sets appear in their real proportion. Ignored regions are dim and striped.
"""

import argparse
import itertools
from collections.abc import Sequence

from mmrcf.command_line import add_cfg_options, add_seed, start_program
from mmrcf.errors import InputError, exit_on_bad_input


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Draw training clips of a config as the model gets them')
    parser.add_argument('config', help='config file')
    parser.add_argument('--out', required=True, help='the picture, .png or .jpg')
    parser.add_argument('--clips', type=int, default=6, help='number of clips (default: %(default)s)')
    add_seed(parser, 'the choice of clips')
    parser.add_argument('--height', type=int, default=240, help='height of a frame in pixels (default: %(default)s)')
    add_cfg_options(parser)
    return parser.parse_args(arguments)


if __name__ == '__main__':
    start_program(parse_args)

import cv2
from mmdet.structures import TrackDataSample
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed

from mmrcf.engine.config import load_config
from mmrcf.engine.config_errors import explained_config_errors
from mmrcf.utils import atomic_output, counted
from mmrcf.visualization import draw_clip, stack_rows

WORKER_FIELDS = ('prefetch_factor', 'timeout', 'multiprocessing_context')
"""Of a data loader: refused where it has no workers."""
SUFFIXES = ('.png', '.jpg', '.jpeg')


def browse(path: str, out: str, clips: int, seed: int, height: int, cfg_options: dict | None = None) -> None:
    """Write a picture of training clips.

    Args:
        path: The config file.
        out: The picture, .png or .jpg.
        clips: Number of clips, at least 1.
        seed: The clips follow from it, the same as in a training with this seed.
        height: Of a frame in the picture, in pixels.
        cfg_options: Overrides of the config.

    Raises:
        InputError: A field is wrong, the training data are not clips of frames, or the picture cannot be written.
    """
    if clips < 1 or height < 16 or seed < 0:
        raise InputError(f'--clips {clips} (at least 1), --height {height} (at least 16), --seed {seed} (at least 0)')
    if not out.lower().endswith(SUFFIXES):
        raise InputError(f'--out {out}: expected a name that ends in {", ".join(SUFFIXES)}')
    config = load_config(path, cfg_options)
    if not config.get('train_dataloader'):
        raise InputError(f'config {path}: has no train_dataloader; give a config for training')
    init_default_scope(config.get('default_scope', 'mmrcf'))
    set_random_seed(seed)
    for name in WORKER_FIELDS:
        config.train_dataloader.pop(name, None)
    config.train_dataloader.update(batch_size=1, num_workers=0, persistent_workers=False)
    with explained_config_errors(config):
        loader = Runner.build_dataloader(config.train_dataloader, seed=seed)
        batches = list(itertools.islice(loader, clips))
    rows = []
    for batch in batches:
        (sample,) = batch['data_samples']
        if not isinstance(sample, TrackDataSample):
            raise InputError(f'config {path}: its training data are no clips of frames ({type(sample).__name__})')
        (frames,) = batch['inputs']['img']
        rows.append(draw_clip(frames, sample.video_data_samples, loader.dataset.metainfo['classes'], height))
    picture = stack_rows(rows)
    with atomic_output(out) as temporary:
        if not cv2.imwrite(str(temporary), picture[..., ::-1]):
            height, width = picture.shape[:2]
            raise InputError(
                f'--out {out}: a picture of {width} x {height} (width x height) cannot be written; give a smaller '
                '--height or fewer --clips, or a .png, and check the space on the disk'
            )


@exit_on_bad_input
def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the clips."""
    args = parse_args(arguments)
    browse(args.config, args.out, args.clips, args.seed, args.height, args.cfg_options)
    print(f'{args.out}: {counted(args.clips, "clip")} of {args.config}')


if __name__ == '__main__':
    main()

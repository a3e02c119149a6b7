"""Checkpoints of a training: a new one is complete before an old one goes, and the folder may be moved."""

import os
from collections import deque
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmrcf.errors import InputError
from mmrcf.registry import HOOKS
from mmrcf.utils import atomic_output, did_you_mean

POINTER = 'last_checkpoint'
"""File beside the checkpoints that names the newest one, relative to its own folder."""


@HOOKS.register_module()
class CompleteCheckpointHook(CheckpointHook):
    """MMEngine's hook, which deletes before it writes and writes its pointer in place, made safe against kills.

    At any moment there is a complete checkpoint, once there was one, also with ``max_keep_ckpts=1``.

    Args:
        options: Arguments of MMEngine's ``CheckpointHook``. Others, which it keeps until it writes the first checkpoint
            and fails then, are a ``TypeError``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in self.args:
            raise TypeError(f"{type(self).__name__}() got an unexpected keyword argument '{name}'")

    def before_train(self, runner: Runner) -> None:
        """As MMEngine's; the best checkpoint is looked for in the folder where it is now.

        What a run that was killed had still to delete goes after the pointer names a newer one.
        """
        known = list(runner.message_hub.runtime_info.get('keep_ckpt_ids', ()))
        outdated = known[: len(known) - self.max_keep_ckpts] if self.max_keep_ckpts > 0 else []
        if outdated:
            runner.message_hub.update_info('keep_ckpt_ids', known[len(outdated) :])
        super().before_train(runner)
        if outdated:
            self._point_and_delete(runner, known[-1], outdated)
        if self.save_best is not None:
            if len(self.key_indicators) == 1:
                self.best_ckpt_path = self._moved(self.best_ckpt_path)
            else:
                self.best_ckpt_path_dict = {key: self._moved(path) for key, path in self.best_ckpt_path_dict.items()}

    def before_val_epoch(self, runner: Runner) -> None:
        """Have all processes measure the model that is saved, that of the first one.

        Parameters are equal everywhere, but each process has its own running statistics of batch norms. It comes after
        hooks that put averaged weights into the model.
        """
        for buffer in runner.model.buffers():
            if buffer.is_floating_point():
                broadcast(buffer)

    def _moved(self, path: str | None) -> str | None:
        here = None if path is None else Path(self.out_dir) / Path(path).name
        return str(here) if here is not None and here.is_file() else path

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        known = [*self.keep_ckpt_ids, step] if self.max_keep_ckpts > 0 else []
        if len(known) > 1 and known[-2] == step:
            known.pop()
        # In the file, the list has what is to be deleted after it: a run that is killed before does so when it resumes.
        runner.message_hub.update_info('keep_ckpt_ids', known)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = str(Path(self.out_dir) / name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if self.max_keep_ckpts > 0:
            self.keep_ckpt_ids = deque(known, self.max_keep_ckpts)
            runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        self._point_and_delete(runner, step, known[: len(known) - self.max_keep_ckpts] if known else [])

    def _point_and_delete(self, runner: Runner, newest: int, outdated: list[int]) -> None:
        """Name a complete checkpoint as the last one, then delete older ones."""
        if not is_main_process():
            return
        folder = Path(self.out_dir)
        with atomic_output(Path(runner.work_dir) / POINTER) as temporary:
            named = os.path.relpath(folder / self.filename_tmpl.format(newest), runner.work_dir)
            temporary.write_text(named, encoding='utf-8')
        for old in outdated:
            (folder / self.filename_tmpl.format(old)).unlink(missing_ok=True)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if not self.save_best:
            return
        for name in self.key_indicators:
            if name != 'auto' and name not in metrics:
                raise InputError(
                    f'default_hooks.checkpoint.save_best={name!r} is no metric of the validation'
                    f'{did_you_mean(name, metrics)}; they are {", ".join(metrics)}; correct it, and continue with '
                    '--resume'
                )
        backend, deferred = self.file_backend, _LaterRemoval(self.file_backend)
        self.file_backend = deferred
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        best = {self.best_ckpt_path} if len(self.key_indicators) == 1 else set(self.best_ckpt_path_dict.values())
        for path in deferred.outdated:
            if path not in best:  # the same iteration, measured again after a resume, has the same name
                backend.remove(path)


class _LaterRemoval:
    """A file backend that notes what it is told to remove.

    Args:
        backend: Does everything else.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.outdated: list[str] = []

    def remove(self, path: str) -> None:
        """Note a file."""
        self.outdated.append(path)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

"""A resumed training has the learning rate that its config gives for the iteration."""

import copy
import warnings
from collections.abc import Iterable, Mapping

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcf.registry import HOOKS

# Fields of a schedule that tell how far it is, not what it does.
_PROGRESS = frozenset(('last_step', '_global_step', '_last_value', 'base_values'))


@HOOKS.register_module()
class ResumedScheduleHook(Hook):
    """Lets the schedules and the settings of the optimizer follow the config; MMEngine takes those of the checkpoint.

    A finished training that is lengthened would go on at the rate that it ended with, which is often 0. Where config
    and checkpoint agree, nothing is done. Otherwise the log has a line, and the schedules of the config are run up to
    the iteration of the checkpoint. One that follows measured figures stays as it is in the checkpoint.
    """

    def before_run(self, runner: Runner) -> None:
        """Note what the config says; no checkpoint is loaded yet."""
        self._groups: list[dict] = []
        if not isinstance(runner.param_schedulers, dict):  # which belongs to several optimizers
            self._schedules = [copy.deepcopy(item.state_dict()) for item in runner.param_schedulers or ()]
            self._groups = [
                {key: value for key, value in group.items() if key != 'params'}
                for group in runner.optim_wrapper.param_groups
            ]

    def before_train(self, runner: Runner) -> None:
        """Compare it with what was loaded."""
        schedules, groups = runner.param_schedulers or [], runner.optim_wrapper.param_groups
        if not runner.iter or not self._groups or any(getattr(item, 'need_val_args', False) for item in schedules):
            return
        scheduled = {item.param_name for item in schedules}
        differing = {}
        for number, (item, expected) in enumerate(zip(schedules, self._schedules, strict=True)):
            loaded = item.state_dict()
            keys = (loaded.keys() | expected.keys()) - _PROGRESS
            differing |= _differences(f'param_scheduler.{number}', keys, expected, loaded)
        for group, expected in zip(groups, self._groups, strict=True):
            keys = (group.keys() & expected.keys()) - scheduled
            differing |= _differences('optimizer', keys, expected, group)
        if not differing:
            return
        runner.logger.warning('resumed with other settings than those of the checkpoint: %s', ', '.join(differing))
        for group, expected in zip(groups, self._groups, strict=True):
            group.update(expected)
        for item, expected in zip(schedules, self._schedules, strict=True):
            for key in item.state_dict().keys() - expected.keys():
                delattr(item, key)
            item.load_state_dict(expected)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that the optimizer makes no step meanwhile
            for done in range(1, runner.iter + 1):
                ends_epoch = runner.epoch > 0 and done % (runner.iter // runner.epoch) == 0
                for item in schedules:
                    if not item.by_epoch or ends_epoch:
                        item.step()


def _differences(name: str, keys: Iterable[str], expected: Mapping, loaded: Mapping) -> dict[str, None]:
    """A line for each key with two values, in the order of the keys; a dict, so that none comes twice."""
    return {
        f'{name}.{key}={expected.get(key)} instead of {loaded.get(key)}': None
        for key in sorted(keys)
        if expected.get(key) != loaded.get(key)
    }

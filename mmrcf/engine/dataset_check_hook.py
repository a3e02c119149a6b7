"""Before training: does the data set give what the model was built for?"""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmrcf.errors import InputError
from mmrcf.models import RCF, OnlineModel
from mmrcf.registry import HOOKS


@HOOKS.register_module()
class DatasetCheckHook(Hook):
    """Stops a run whose model and training data disagree, before it has cost any time.

    A class too many would be trained as "empty", and a reference frame too many as a target, both without a word.
    """

    def before_train(self, runner: Runner) -> None:
        """Compare them.

        Raises:
            InputError: The number of classes or of reference frames differs.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if not isinstance(model, OnlineModel):
            return
        dataset = runner.train_dataloader.dataset
        classes = len(dataset.metainfo['classes'])
        if classes != model.num_classes:
            raise InputError(
                f'model: num_classes={model.num_classes}, but the training data has {classes} classes; '
                'correct num_classes or metainfo.classes'
            )
        if isinstance(model, RCF) and dataset.num_references != model.neck.num_references:
            raise InputError(
                f'model.neck.num_references={model.neck.num_references}, but the training data has '
                f'num_references={dataset.num_references}; make them equal'
            )

"""What is worked around: an error inside MMEngine leaves no lock behind."""

import threading
from collections.abc import Callable

import pytest
from mmengine.utils import ManagerMixin

import mmrcf.registry  # noqa: F401


class Broken(ManagerMixin):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        if name == 'outer':
            Broken.get_instance('inner')
        raise OSError(name)


class Sound(ManagerMixin):
    pass


@pytest.mark.parametrize(
    ('fail', 'error'),
    [
        (lambda: Broken.get_instance('one'), OSError),
        (lambda: Broken.get_instance('outer'), OSError),
        (lambda: Broken.get_instance(1), AssertionError),
        (Broken.get_current_instance, RuntimeError),
        (Broken.get_instance, TypeError),
    ],
)
def test_after_an_error_other_threads_go_on(fail: Callable, error: type[Exception]) -> None:
    with pytest.raises(error):
        fail()
    other = threading.Thread(target=Sound.get_instance, args=('one',), daemon=True)
    other.start()
    other.join(10)
    assert not other.is_alive(), 'it waits for the lock'

"""Memory of the process."""

import sys

import pytest

from mmrcf.utils import keep_freed_memory, peak_mib, resident_mib


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='asks the C library of Linux')
def test_the_c_library_takes_the_wish() -> None:
    assert keep_freed_memory()


def test_a_c_library_without_the_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('ctypes.CDLL', lambda _name: object())
    assert not keep_freed_memory()


def test_the_peak_is_at_least_what_is_there() -> None:
    assert peak_mib() >= 0.9 * resident_mib() > 10

"""How a command line ends: one line for bad input, no traceback where nobody reads what it prints."""

import io
import multiprocessing
import os
import signal
import sys
import time

import pytest

from mmrcf.errors import InputError, exit_on_bad_input, interrupted_once


@exit_on_bad_input
def print_lines(count: int, code: int) -> None:
    """A command."""
    for number in range(count):
        print('line', number)
    sys.exit(code)


def run(output: int, buffering: int, count: int, code: int) -> None:
    with os.fdopen(output, 'w', buffering) as sys.stdout:
        print_lines(count, code)


@pytest.mark.parametrize(('count', 'code', 'buffering'), [(3, 0, -1), (3, 1, 1), (100000, 0, -1)])
def test_a_closed_pipe_does_not_end_a_command(count: int, code: int, buffering: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = multiprocessing.get_context('fork').Process(target=run, args=(writer, buffering, count, 10 + code))
    process.start()
    os.close(writer)
    process.join(60)
    assert process.exitcode == 10 + code


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @exit_on_bad_input
    def main() -> None:
        print('before')
        raise InputError('file a.json:\n  is wrong')

    with pytest.raises(SystemExit) as caught:
        main()
    captured = capsys.readouterr()
    assert caught.value.code == 2 and captured.err == 'error: file a.json: is wrong\n' and captured.out == 'before\n'


def test_text_that_the_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    @exit_on_bad_input
    def main() -> None:
        print('file \ud800é')

    output = io.BytesIO()
    monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(output, encoding='ascii'))
    main()
    assert output.getvalue() == b'file \\ud800\\xe9\n'


@pytest.mark.parametrize('first', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_later_ones_cost_no_output(first: signal.Signals) -> None:
    others = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in others]
    finished = []
    with interrupted_once():
        try:
            os.kill(os.getpid(), first)
            time.sleep(10)
        except KeyboardInterrupt:
            for number in others:
                os.kill(os.getpid(), number)
            time.sleep(0.01)
            finished.append('output')
    assert finished == ['output']
    assert [signal.getsignal(number) for number in others] == before


def test_an_interrupt_is_one_line_and_code_130(capsys: pytest.CaptureFixture) -> None:
    @exit_on_bad_input
    def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 130 and capsys.readouterr().err == 'interrupted\n'

"""How a command line ends: one line for bad input, no traceback where nobody reads what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

from mmrcf.errors import EXIT_BROKEN_PIPE, InputError, exit_on_bad_input

COMMAND = """
import sys
from mmrcf.errors import exit_on_bad_input

@exit_on_bad_input
def main():
    sys.stdin.readline()
    for number in range(int(sys.argv[1])):
        print('line', number)
    sys.exit(int(sys.argv[2]))

main()
"""


@pytest.mark.parametrize(
    ('lines', 'code', 'expected'),
    [(3, 0, 0), (3, 1, 1), (100000, 0, EXIT_BROKEN_PIPE)],
    ids=['done', 'done with another code', 'stopped'],
)
def test_a_closed_pipe_is_no_traceback(repository: Path, lines: int, code: int, expected: int) -> None:
    command = [sys.executable, '-c', COMMAND, str(lines), str(code)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=repository) as process:
        process.stdout.close()  # before it prints: it waits for a line
        process.stdin.write(b'\n')
        process.stdin.close()
        assert process.stderr.read() == b''
        assert process.wait(60) == expected


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @exit_on_bad_input
    def main() -> None:
        print('before')
        raise InputError('file a.json:\n  is wrong')

    with pytest.raises(SystemExit) as caught:
        main()
    captured = capsys.readouterr()
    assert caught.value.code == 2 and captured.err == 'error: file a.json: is wrong\n' and captured.out == 'before\n'

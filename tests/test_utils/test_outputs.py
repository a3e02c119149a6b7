import argparse
import contextlib
import contextvars
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from mmrcf.command_line import add_json
from mmrcf.errors import InputError, InputFileError, exit_on_bad_input
from mmrcf.inputs import is_input, is_output, kept_inputs, note_folder, note_input, note_output
from mmrcf.utils import atomic_output, only_writer, read_json, require_file, write_json


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('link', [None, 'symbolic', 'hard'])
def test_no_output_is_an_input_whatever_its_name(tmp_path: Path, link: str | None) -> None:
    source, output = tmp_path / 'in.json', tmp_path / 'in.json'
    write_json(source, [1])
    if link:
        output = tmp_path / 'other.json'
        (output.symlink_to if link == 'symbolic' else output.hardlink_to)(source)
    with kept_inputs(), pytest.raises(InputError, match='is an input of this command'):
        write_json(output, read_json(source, 'file') + [2])
    assert json.loads(source.read_text()) == [1]


def test_an_input_that_is_read_while_the_output_is_open_is_kept_too(tmp_path: Path) -> None:
    write_json(tmp_path / 'a.json', [1])
    with kept_inputs(), pytest.raises(InputError, match='is an input'), atomic_output(tmp_path / 'a.json') as temporary:
        temporary.write_text(json.dumps(read_json(tmp_path / 'a.json', 'file')))
    assert names(tmp_path) == ['a.json']


def test_inputs_are_those_of_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @exit_on_bad_input
    def convert(source: Path, output: Path) -> None:
        write_json(output, read_json(source, 'file'))

    write_json(tmp_path / 'a.json', [1])
    convert(tmp_path / 'a.json', tmp_path / 'b.json')
    convert(tmp_path / 'b.json', tmp_path / 'a.json')
    with pytest.raises(SystemExit):
        convert(tmp_path / 'a.json', tmp_path / 'a.json')
    assert f'output {tmp_path / "a.json"}' in capsys.readouterr().err


def test_commands_in_other_threads_have_inputs_of_their_own(tmp_path: Path) -> None:
    write_json(tmp_path / 'a.json', [1])

    def replace() -> None:
        with kept_inputs():
            write_json(tmp_path / 'a.json', [2])

    with kept_inputs(tmp_path / 'a.json'), ThreadPoolExecutor(1) as pool:
        pool.submit(replace).result()
    assert read_json(tmp_path / 'a.json', 'file') == [2]


def test_nothing_is_kept_after_a_block_that_ends_in_another_context(tmp_path: Path) -> None:
    def stream() -> Iterator[None]:
        with kept_inputs(tmp_path / 'a.json'), atomic_output(tmp_path / 'b.json') as temporary:
            temporary.write_text('[1]')
            yield

    write_json(tmp_path / 'a.json', [1])
    running = stream()
    next(running)
    contextvars.copy_context().run(running.close)
    write_json(tmp_path / 'a.json', [2])
    write_json(tmp_path / 'b.json', [2])
    assert names(tmp_path) == ['a.json', 'b.json']


def test_a_file_that_is_read_to_be_written_again_says_so(tmp_path: Path) -> None:
    path = tmp_path / 'a.json'
    with kept_inputs():
        write_json(path, [1])
        with atomic_output(path, updates=True) as temporary:
            temporary.write_text(json.dumps([*read_json(path, 'file'), 2]))
    assert json.loads(path.read_text()) == [1, 2]


def test_files_that_were_read_before_can_be_named(tmp_path: Path) -> None:
    require_file(__file__, 'file')
    write_json(tmp_path / 'a.json', [1])
    with kept_inputs(str(tmp_path / 'a.json'), 3, None), pytest.raises(InputError, match='is an input'):
        write_json(tmp_path / 'a.json', [2])


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='Linux')
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    message = r'output .*a\.json: cannot be written \(No space left .*free some space'
    with pytest.raises(InputFileError, match=message), atomic_output(tmp_path / 'a.json'):
        Path('/dev/full').write_text('x')
    assert names(tmp_path) == []


def test_two_outputs_have_two_names(tmp_path: Path) -> None:
    (tmp_path / 'link').symlink_to('a.json')
    with (
        atomic_output(tmp_path / 'a.json') as temporary,
        pytest.raises(InputError, match='written already'),
        atomic_output(tmp_path / 'link'),
    ):
        temporary.write_text('refused before')
    write_json(tmp_path / 'link', [1])
    assert json.loads((tmp_path / 'a.json').read_text()) == [1]


@pytest.mark.parametrize('exists', [True, False])
def test_a_link_stays_a_link(tmp_path: Path, exists: bool) -> None:
    (tmp_path / 'elsewhere').mkdir()
    target = tmp_path / 'elsewhere/real.json'
    if exists:
        target.write_text('old')
        target.chmod(0o640)
    link = tmp_path / 'link.json'
    link.symlink_to('elsewhere/real.json')
    write_json(link, [1])
    assert link.is_symlink() and json.loads(target.read_text()) == [1]
    if exists:
        assert target.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ['elsewhere', 'link.json'] and names(tmp_path / 'elsewhere') == ['real.json']


@pytest.mark.parametrize('stem', ['n' * 250, '\u732b' * 83, 'a.b' + 'n' * 240], ids=['letters', 'wide letters', 'dot'])
def test_names_as_long_as_the_file_system_takes(tmp_path: Path, stem: str) -> None:
    path = tmp_path / f'{stem}.json'
    write_json(path, [1])
    assert names(tmp_path) == [path.name]


def test_a_name_that_is_too_long_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match='cannot write there'):
        write_json(tmp_path / ('n' * 300 + '.json'), [1])
    assert names(tmp_path) == []


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    write_json(pipe, [1])
    reader.join(10)
    assert received == ['[1]'] and pipe.is_fifo()


def hold(path: Path, started: Connection) -> None:
    with atomic_output(path) as temporary:
        temporary.write_text('half')
        started.send(None)
        time.sleep(600)


def test_what_a_killed_process_left_goes_with_the_next_output_and_nothing_else_does(tmp_path: Path) -> None:
    def start(output: str) -> multiprocessing.Process:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context('fork').Process(target=hold, args=(tmp_path / output, sender))
        process.start()
        receiver.recv()
        return process

    killed = start('a.json')
    killed.kill()
    killed.join()
    running = start('b.json')
    killed_file = next(tmp_path.glob('.a.*.json'), None)
    assert killed_file is None, 'it goes with any output in the folder'
    try:
        (tmp_path / '.a.json.partial').write_text('of somebody else')
        write_json(tmp_path / 'a.json', [1])
        left = names(tmp_path)
        assert left[0] == '.a.json.partial' and left[1].startswith('.b.') and left[2:] == ['a.json']
    finally:
        running.kill()
        running.join()


def test_files_that_are_read_later_are_inputs_by_their_folder(tmp_path: Path) -> None:
    (tmp_path / 'frames' / 'a').mkdir(parents=True)
    for name in ('frames/a/0.jpg', 'frames/a/0.json', '0.jpg'):
        (tmp_path / name).write_bytes(b'x')
    with kept_inputs():
        note_folder(tmp_path / 'frames', ['.jpg'])
        for name in ('frames/a/0.json', '0.jpg', 'frames/a/1.jpg'):
            with atomic_output(tmp_path / name) as temporary:
                temporary.write_bytes(b'y')
        with pytest.raises(InputError, match='is an input'), atomic_output(tmp_path / 'frames' / 'a' / '0.jpg'):
            pass


def test_an_announced_output_cannot_be_read(tmp_path: Path) -> None:
    """The tool would refuse to write it, but only after its work."""
    parser = argparse.ArgumentParser()
    add_json(parser)
    (tmp_path / 'labels.json').write_text('{}')
    (tmp_path / 'link.json').symlink_to('labels.json')
    with kept_inputs():
        parser.parse_args(['--json', str(tmp_path / 'link.json')])
        with pytest.raises(InputError, match=r'labels\.json: is an output of this command too'):
            read_json(tmp_path / 'labels.json', 'annotation file')


def test_a_block_that_ended_in_another_context_counts_no_more(tmp_path: Path) -> None:
    path = tmp_path / 'a.json'
    path.write_text('{}')
    block = kept_inputs()
    block.__enter__()
    contextvars.copy_context().run(block.__exit__, None, None, None)
    note_output(path)
    note_input(path)
    assert not is_output(path) and not is_input(path)


@pytest.mark.parametrize(('note', 'asked'), [(note_input, is_input), (note_output, is_output)])
def test_a_later_file_with_the_inode_of_a_deleted_one_is_another_file(tmp_path: Path, note, asked) -> None:
    path, later = tmp_path / 'iter_2.pth', tmp_path / 'last_checkpoint'
    path.write_text('{}')
    with kept_inputs():
        note(path)
        assert asked(path)
        path.rename(later)
        assert asked(later)
        os.utime(later, ns=(1, 1))
        assert not asked(later)


def test_a_file_that_grows_while_it_is_read_stays_an_input(tmp_path: Path) -> None:
    path, link = tmp_path / 'recording.ts', tmp_path / 'hard_link.ts'
    path.write_text('a')
    link.hardlink_to(path)
    with kept_inputs():
        note_input(path)
        path.write_text('a longer recording')
        for name in (path, link):
            with pytest.raises(InputError, match=f'{name.name}: is an input of this command'), atomic_output(name):
                raise AssertionError('not reached')
    assert path.read_text() == 'a longer recording'


def keep_folder(folder: Path, sender: Connection) -> None:
    with only_writer(folder):
        sender.send('inside')
        time.sleep(60)


def test_a_folder_has_one_writer_until_its_block_or_its_process_ends(tmp_path: Path) -> None:
    with only_writer(tmp_path):
        with pytest.raises(InputError, match='another process writes there'), only_writer(tmp_path, patience=0):
            pass
        # A worker that is forked in the block and survives it.
        worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))
        worker.start()
    try:
        with only_writer(tmp_path, patience=0), contextlib.suppress(KeyError):
            raise KeyError
        receiver, sender = multiprocessing.Pipe(duplex=False)
        other = multiprocessing.get_context('fork').Process(target=keep_folder, args=(tmp_path, sender))
        other.start()
        assert receiver.recv() == 'inside'
        with pytest.raises(InputError, match=str(tmp_path)), only_writer(tmp_path, patience=0):
            pass
        other.kill()
        with only_writer(tmp_path):
            other.join()
    finally:
        worker.kill()
        worker.join()

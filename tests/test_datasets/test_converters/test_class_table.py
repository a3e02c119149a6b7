"""Class files and lists of names."""

import pytest

from mmrcf.datasets.annotations.view import read_names
from mmrcf.datasets.converters import read_class_table, read_name_list
from mmrcf.errors import InputError
from mmrcf.utils import read_json


def test_lines_and_json_say_the_same(tmp_path):
    lines, content = tmp_path / 'classes.txt', tmp_path / 'classes.json'
    lines.write_text('\ufeff# classes\nbear  animal  # brown\nbmx/1 person\nbmx/2 traffic light\n', encoding='utf-8')
    content.write_text('\ufeff{"bear": "animal", "bmx": {"1": "person", "2": "traffic light"}}', encoding='utf-8')
    expected = {'bear': 'animal', 'bmx/1': 'person', 'bmx/2': 'traffic light'}
    assert read_class_table(lines).names == read_class_table(content).names == expected
    assert read_class_table(lines).classes == ('animal', 'person', 'traffic light')
    assert read_class_table(lines).of_object('bmx', 2, 2) == 'traffic light'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('bear\n', "line 1 is 'bear', expected a key and a class"),
        ('bear animal\nbear cat\n', "'bear' is in it twice"),
        ('# nothing\n', 'no class in it'),
        ('{"bear": 3}', "class of 'bear' is 3, expected a name"),
        ('{"bear": ["a"]}', r"class of 'bear' is \['a'\], expected a name"),
        ('{"bear": "a", "bear": "b"}', "'bear' is in it twice"),
        ('{"bear": ', 'not valid JSON at line 1'),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / 'classes.txt'
    path.write_text(text)
    with pytest.raises(InputError, match=f'class file {path}: {message}'):
        read_class_table(path)


def test_a_file_of_another_encoding_is_refused(tmp_path):
    (tmp_path / 'classes.txt').write_bytes(b'bear b\xe4r')
    for read in (read_class_table, read_name_list):
        with pytest.raises(InputError, match='classes.txt: not a text file in UTF-8'):
            read(tmp_path / 'classes.txt')


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_text_as_windows_writes_it(tmp_path, encoding):
    (tmp_path / 'names.txt').write_bytes('bär\r\ncat\r\n'.encode(encoding))
    assert read_name_list(tmp_path / 'names.txt') == ['bär', 'cat']
    assert read_names(tmp_path / 'names.txt', 'only') == ('bär', 'cat')
    (tmp_path / 'a.json').write_bytes('{"a": "bär"}'.encode(encoding))
    assert read_json(tmp_path / 'a.json', 'file') == {'a': 'bär'}


def test_names_stand_one_a_line(tmp_path):
    path = tmp_path / 'train.txt'
    path.write_text('2007_000032\n\n2007_000039  1\n')
    assert read_name_list(path) == ['2007_000032', '2007_000039']
    path.write_text('\n')
    with pytest.raises(InputError, match='no name in it'):
        read_name_list(path)

"""Code, configs, tools and docs use the terms of the field, not those that were in their place before."""

import re
from pathlib import Path

WORDS = re.compile(
    r'\b(?:hears?|heard|ears|twins?|anew|identit(?:y|ies)|fired|mend(?:s|ed)?|surplus|eight bits|as built|as_built'
    r'|anchored_queries|located_content|position_dims|object_draws|PlaceCost|goes on from|said of'
    r'|--again|--as-built|--mass|--float-parts)(?!\w)|\bwithout='
)
SLOTS = re.compile(r'\bslots?\b', re.IGNORECASE)
SUFFIXES = ('.py', '.md', '.yml', '.toml')


def test_no_old_word(repository: Path) -> None:
    found = []
    for folder in ('mmrcf', 'configs', 'tools', 'demo', 'docs', 'data', '.'):
        pattern = '*' if folder == '.' else '**/*'
        for path in sorted((repository / folder).glob(pattern)):
            if path.suffix in SUFFIXES and path.is_file():
                lines = path.read_text(encoding='utf-8').splitlines()
                found += [f'{path}:{number}: {line}' for number, line in enumerate(lines, 1) if WORDS.search(line)]
    assert not found, '\n'.join(found)


def test_users_read_of_queries_and_only_authors_of_trackers_of_slots(repository: Path) -> None:
    pages = [
        repository / 'README.md',
        *(path for folder in ('docs', 'configs', 'data') for path in pages_of(repository / folder)),
    ]
    found = {path.name for path in pages if SLOTS.search(path.read_text(encoding='utf-8'))}
    assert found == {'your_own_part.md'}


def pages_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob('*') if path.suffix in ('.md', '.py')]

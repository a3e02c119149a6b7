"""What is inside a config, each field with its dotted path."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config, ConfigDict


def config_fields(node: Any, field: str = '') -> Iterator[tuple[str, Any]]:
    """Everything inside a config with its dotted path, outermost first."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
    for key, value in items:
        path = f'{field}.{key}' if field else str(key)
        yield path, value
        yield from config_fields(value, path)


def config_parts(config: Config | dict) -> Iterator[tuple[str, dict]]:
    """Every dict inside a config with its dotted path, outermost first."""
    for field, content in config_fields(config.to_dict() if isinstance(config, Config | ConfigDict) else config):
        if isinstance(content, dict):
            yield field, content

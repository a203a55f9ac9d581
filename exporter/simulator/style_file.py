"""
A style from a file: a YAML mapping of fields of `Style`, alone or at the end of a field report after a line `---`.

So each report of how a real Braze answers becomes a world to test against. What is not named stays as it is by default.
"""

import dataclasses
import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

from exporter.config.errors import ConfigError, FieldError, did_you_mean, show_key
from exporter.config.yaml_reader import read_document
from exporter.simulator.style import Style

_OFFSET = re.compile(r"Z|[+-]\d\d:\d\d|")
_RANGES: dict[str, tuple[int, ...]] = {
    "fraction_digits": tuple(range(7)),
    "unknown_key_status": (401, 404),
    "unknown_integration_status": (400, 404),
}


def load_style(file: str) -> Style:
    """
    Return the style that *file* describes.

    Raises:
        ConfigError: It cannot be read, or is no style.

    """
    document = read_document(file, last=True)
    content = document.content
    if document.errors:
        raise ConfigError(document.errors)
    if not isinstance(content, dict):
        raise ConfigError([FieldError(file, None, "", "this is not a style", "name a field report or a style file")])
    hints = get_type_hints(Style)
    names = [each.name for each in dataclasses.fields(Style)]
    errors = []
    for key, value in content.items():
        if key not in names:
            remedy = did_you_mean(key, names) or f"a style has {', '.join(names)}"
            errors.append(FieldError(file, None, show_key([key]), "a style has no such field", remedy))
        elif not _fits(key, value, hints[key]):
            remedy = "take a value that a field report has"
            errors.append(FieldError(file, None, key, "this is no value of the field", remedy))
    if errors:
        raise ConfigError(errors)
    return Style(**content)


def _fits(name: str, value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if name in _RANGES:
        return type(value) is int and value in _RANGES[name]
    return type(value) is kind and (kind is not str or _OFFSET.fullmatch(value) is not None)

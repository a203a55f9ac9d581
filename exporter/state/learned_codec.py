"""
What was learned, as bytes for the disk and back: the fields of frozen values in their order, as compressed JSON.

What another version wrote, or what is damaged, is refused: it is learned again from the past.
"""

import json
import types
import zlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, tzinfo
from functools import cache, partial
from typing import Any, get_args, get_origin, get_type_hints

from exporter.domain.learned import Learned
from exporter.domain.normal import Normal
from exporter.domain.trends import Trend

VERSION = 2
_LONGEST = 1_000_000
_DIGITS = 6
"""Significant digits of a learned number: more than it deserves, less than Python prints."""


def encode_learned(learned: Learned, basis: str) -> bytes:
    """
    Return the bytes of what was learned.

    Args:
        learned: All of it but the zone, which is configured, and the latest sync, which the ledger has.
        basis: What else it rests on besides the past; given back by `decode_learned`.

    """
    value = [
        VERSION,
        basis,
        _plain(replace(learned.normal, zone=None)),
        _plain(learned.trends),
        _plain(learned.rows_failed_at),
    ]
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def decode_learned(data: bytes, zone: tzinfo | None = None) -> tuple[Learned, str]:
    """
    Return what `encode_learned` was given.

    Raises:
        ValueError: The bytes are damaged, or of another version.

    """
    try:
        text = zlib.decompressobj().decompress(data, _LONGEST)
        version, basis, normal, trends, failed_at = json.loads(text)
        if version != VERSION or not isinstance(basis, str):
            raise ValueError(f"version {version} is not known")  # noqa: TRY301 - worded below
        learned = Learned(
            replace(_reader(Normal)(normal), zone=zone),
            _reader(tuple[Trend, ...])(trends),
            rows_failed_at=_reader(datetime | None)(failed_at),
        )
    except (zlib.error, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"what was learned is damaged: {error}") from error
    return learned, basis


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


@cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """Return what makes a value of a type of plain data; a restart of a fleet reads some hundred values of each."""
    if get_origin(hint) is tuple:
        (of, *_) = get_args(hint)
        read = _reader(of)
        return lambda data: tuple(map(read, data))
    if isinstance(hint, types.UnionType):
        (of,) = (one for one in get_args(hint) if one is not type(None))
        read = _reader(of)
        return lambda data: None if data is None else read(data)
    if is_dataclass(hint):
        assert isinstance(hint, type)  # noqa: S101 - for the type checker
        types_ = get_type_hints(hint)
        readers = [_reader(types_[field.name]) for field in fields(hint)]
        return lambda data: hint(*(read(one) for read, one in zip(readers, data, strict=True)))
    if hint is datetime:
        return datetime.fromisoformat
    return partial(_checked, hint)


def _checked(hint: type, data: Any) -> Any:
    if type(data) is hint or hint is tzinfo:
        return data
    if hint is float and type(data) is int:
        return float(data)
    raise ValueError(f"{hint} expected")

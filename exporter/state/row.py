"""
An account with its names as the values of one row, and back.

Decides what the checksum covers. SQLite notices damage to its own structure, not to the bytes in a row: a changed
digit would be a wrong counter that nobody can tell from a right one.
"""

import json
import zlib
from collections.abc import Sequence
from typing import Any

from exporter.state.record import (
    decode_ledger,
    decode_optional,
    decode_time,
    encode_ledger,
    encode_optional,
    encode_time,
)
from exporter.state.store import Account, Key, Properties


def encode_names(key: Key) -> tuple[bytes, bytes]:
    """Return workspace and integration id as bytes; JSON can hold lone surrogates, which plain UTF-8 refuses."""
    workspace, integration_id = key
    return workspace.encode("utf-8", "surrogatepass"), integration_id.encode("utf-8", "surrogatepass")


def encode_margin(account: Account) -> tuple[int, int | None, str | None]:
    """Return what may change while the ledger stays; outside the checksum, because the record is not at hand then."""
    properties = None if account.properties is None else json.dumps(account.properties)
    return encode_time(account.heard_at), encode_optional(account.expected_run_at), properties


def encode_row(key: Key, account: Account) -> tuple[Any, ...]:
    """Return workspace, integration id, the two times, properties, record and checksum."""
    names, record = encode_names(key), encode_ledger(account.ledger)
    return (*names, *encode_margin(account), record, _checksum(*names, record))


def decode_row(row: Sequence[Any]) -> tuple[Key, Account]:
    """
    Return what `encode_row` was given.

    Raises:
        ValueError: It is not what `encode_row` returned; the message says what is wrong.

    """
    workspace, integration_id, heard_at, expected_run_at, properties, record, checksum = row
    try:
        if _checksum(workspace, integration_id, record) != checksum:
            raise ValueError("the checksum does not fit")
        key = workspace.decode("utf-8", "surrogatepass"), integration_id.decode("utf-8", "surrogatepass")
        return key, Account(
            decode_ledger(record),
            decode_time(heard_at),
            decode_optional(expected_run_at),
            None if properties is None else _decode_properties(properties),
        )
    except (OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"a value of the wrong kind or size: {error}") from error


def _decode_properties(text: Any) -> Properties:
    """
    Return what was shown of an integration.

    Raises:
        ValueError: It is something else.

    """
    fields = json.loads(text)
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise ValueError("the properties are no list of texts")
    return Properties(*fields)


def shown(value: Any) -> str:
    """Return a value of a damaged row for people."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _checksum(workspace: bytes, integration_id: bytes, record: bytes) -> int:
    return zlib.crc32(record, zlib.crc32(b"%d %b %b" % (len(workspace), workspace, integration_id)))

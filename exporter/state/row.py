"""
A state with its names as the values of one row, and back.

Decides what the checksum covers. SQLite notices damage to its own structure, not to the bytes in a row: a changed
digit would be a wrong counter that nobody can tell from a right one. What the list and the polls have shown comes
beside the ledger as facts, and may change without it.

Facts have a format of their own. Format 1 is what the first schema had in three columns, joined by the migration.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Since
from exporter.domain.listing import ListedIntegration, is_paused_status
from exporter.domain.model import Failure, Polls, SyncStatus
from exporter.state.codec import (
    decode_ledger,
    decode_optional,
    decode_time,
    encode_ledger,
    encode_optional,
    encode_time,
)
from exporter.state.store import Key

FORMAT = 2
_compact = json.JSONEncoder(separators=(",", ":")).encode


def encode_names(key: Key) -> tuple[bytes, bytes]:
    """Return workspace and integration id as bytes; JSON can hold lone surrogates, which plain UTF-8 refuses."""
    workspace, integration_id = key
    return workspace.encode("utf-8", "surrogatepass"), integration_id.encode("utf-8", "surrogatepass")


def encode_facts(state: IntegrationState) -> tuple[int | None, str]:
    """Return what may change while the ledger stays; outside the checksum, because the record is not at hand then."""
    return encode_optional(state.judged_at), _compact(_facts(state))


def encode_row(key: Key, state: IntegrationState) -> tuple[Any, ...]:
    """Return workspace, integration id, time, facts, ledger (NULL where there is none) and checksum."""
    names = encode_names(key)
    ledger = None if state.ledger is None else encode_ledger(state.ledger)
    return (*names, *encode_facts(state), ledger, _checksum(*names, ledger))


def decode_row(row: Sequence[Any]) -> tuple[Key, IntegrationState]:
    """
    Return what `encode_row` was given.

    Raises:
        ValueError: It is not what `encode_row` returned; the message says what is wrong.

    """
    workspace, integration_id, judged_at, facts, ledger, checksum = row
    try:
        if _checksum(workspace, integration_id, ledger) != checksum:
            raise ValueError("the checksum does not fit")
        key = workspace.decode("utf-8", "surrogatepass"), integration_id.decode("utf-8", "surrogatepass")
        return key, _decode_state(decode_optional(judged_at), json.loads(facts), ledger)
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"a value of the wrong kind or size: {error!r}") from error


def shown(value: Any) -> str:
    """Return a value of a damaged row for people."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _checksum(workspace: bytes, integration_id: bytes, ledger: bytes | None) -> int:
    return zlib.crc32(ledger or b"", zlib.crc32(b"%d %b %b" % (len(workspace), workspace, integration_id)))


def _facts(state: IntegrationState) -> dict[str, Any]:
    expected, failure = state.expected, state.polls.failure
    return {
        "format": FORMAT,
        "first_seen_at": encode_time(state.first_seen_at),
        "listed": None if state.listed is None else _encode_listed(state.listed),
        "expected": None if expected is None else [encode_time(expected.at), expected.announced],
        "had_schedule": state.had_schedule,
        "paused": _encode_since(state.paused),
        "unscheduled": _encode_since(state.unscheduled),
        "gone": _encode_since(state.gone),
        "renamed_to": state.renamed_to,
        "resumed_at": encode_optional(state.resumed_at),
        "failing_since": encode_optional(state.polls.failing_since),
        "failure": None if failure is None else [failure.reason, failure.message, encode_time(failure.at)],
    }


def _decode_state(judged_at: datetime | None, facts: Any, ledger: bytes | None) -> IntegrationState:
    decoded_ledger = None if ledger is None else decode_ledger(ledger)
    if facts["format"] == 1:
        # Only what Braze had mentioned was kept then.
        if judged_at is None or decoded_ledger is None:
            raise ValueError("no ledger")
        expected_at, properties = decode_optional(facts["expected_run_at"]), facts["properties"]
        state = IntegrationState(judged_at, decoded_ledger, judged_at=judged_at)
        return _with_properties(state, expected_at, properties)
    if facts["format"] != FORMAT:
        raise ValueError(f"facts of format {facts['format']}, this version reads up to {FORMAT}")
    expected, failure = facts["expected"], facts["failure"]
    return IntegrationState(
        first_seen_at=decode_time(facts["first_seen_at"]),
        ledger=decoded_ledger,
        listed=None if facts["listed"] is None else _decode_listed(facts["listed"]),
        expected=None if expected is None else ExpectedRun(decode_time(expected[0]), announced=bool(expected[1])),
        had_schedule=bool(facts["had_schedule"]),
        paused=_decode_since(facts["paused"]),
        unscheduled=_decode_since(facts["unscheduled"]),
        gone=_decode_since(facts["gone"]),
        renamed_to=str(facts["renamed_to"]),
        resumed_at=decode_optional(facts["resumed_at"]),
        judged_at=judged_at,
        polls=Polls(
            failure=None if failure is None else Failure(str(failure[0]), str(failure[1]), decode_time(failure[2])),
            failing_since=decode_optional(facts["failing_since"]),
        ),
    )


def _with_properties(state: IntegrationState, expected_at: datetime | None, properties: Any) -> IntegrationState:
    """Add what the first schema had: the expected run, and how the list described the integration."""
    announced = False
    if properties is not None:
        if not isinstance(properties, list) or not all(isinstance(text, str) for text in properties):
            raise ValueError("the properties are no list of texts")
        name, kind, warehouse, group, status, expected_by = [*properties, "", ""][:6]
        announced = expected_by == "announcement"
        state = replace(
            state,
            listed=ListedIntegration("", name, kind, status, warehouse, group, next_run_told=False),
            had_schedule=announced,
            paused=Since(state.first_seen_at, at_first_sight=True) if is_paused_status(status) else None,
        )
    return replace(state, expected=None if expected_at is None else ExpectedRun(expected_at, announced=announced))


def _encode_listed(listed: ListedIntegration) -> list[Any]:
    return [
        listed.integration_id,
        listed.integration_name,
        listed.integration_type,
        listed.integration_status,
        listed.warehouse_type,
        listed.app_group_id,
        encode_optional(listed.last_updated_at),
        encode_optional(listed.last_job_start_time),
        listed.last_job_status,
        encode_optional(listed.next_scheduled_run),
        listed.next_run_told,
    ]


def _decode_listed(fields: Sequence[Any]) -> ListedIntegration:
    texts, (updated_at, start, status, next_run, told) = fields[:6], fields[6:]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a name in the facts is no text")
    integration_id, name, kind, word, warehouse, group = texts
    return ListedIntegration(
        integration_id,
        integration_name=name,
        integration_type=kind,
        integration_status=word,
        warehouse_type=warehouse,
        app_group_id=group,
        last_updated_at=decode_optional(updated_at),
        last_job_start_time=decode_optional(start),
        last_job_status=None if status is None else SyncStatus(status),
        next_scheduled_run=decode_optional(next_run),
        next_run_told=bool(told),
    )


def _encode_since(since: Since | None) -> list[Any] | None:
    return None if since is None else [encode_time(since.at), since.at_first_sight]


def _decode_since(fields: Sequence[Any] | None) -> Since | None:
    return None if fields is None else Since(decode_time(fields[0]), at_first_sight=bool(fields[1]))

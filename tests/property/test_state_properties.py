"""What holds for any state on disk: it comes back as it was, or as damage, never as something else."""

import contextlib
import json
import shutil
import tempfile
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Since
from exporter.domain.ledger import Ledger, Page, Tail, Walk, absorb
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import FINISHED_STATUSES, Failure, Polls, Sync, SyncStatus, Totals
from exporter.state.codec import decode_ledger, encode_ledger
from exporter.state.pasts import Progress
from exporter.state.row import decode_row, encode_row
from exporter.state.store import Store
from tests.kept import START, Surroundings, full_disk, state

T = TypeVar("T")
FACTS, LEDGER = 3, 4
"""Columns of a row."""

EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
SPAN = (LATEST - EARLIEST) // timedelta(microseconds=1)
# Drawn as numbers: hypothesis takes ten times as long over datetimes.
times = st.sampled_from([EARLIEST, LATEST, datetime(1970, 1, 1, tzinfo=UTC)]) | st.integers(0, SPAN).map(
    lambda microseconds: EARLIEST + timedelta(microseconds=microseconds)
)
optional_times = st.none() | times
names = st.text(max_size=20) | st.text(st.characters(), max_size=20)  # the latter with lone surrogates
rows = st.integers(0, 2**53)
counts = st.integers(0, 2**80)


def whole(kind: type[T], **parts: st.SearchStrategy[object]) -> st.SearchStrategy[T]:
    """Values of a dataclass with every field drawn: one that is new must be drawn here, and so be kept on disk."""
    assert parts.keys() == {field.name for field in fields(cast("type[Any]", kind)) if field.compare}
    return st.builds(kind, **parts)


syncs = whole(
    Sync,
    sync_start_time=times,
    job_status=st.sampled_from(SyncStatus),
    sync_finish_time=optional_times,
    last_timestamp_synced=optional_times,
    rows_synced=st.none() | rows,
    rows_failed_with_errors=st.none() | rows,
    unknown_word=st.text(max_size=40),
)
tails = whole(
    Tail, floor=optional_times, failed_streak=counts, success=st.none() | syncs, last_timestamp_synced=optional_times
)
totals = whole(
    Totals,
    syncs=st.tuples(*[counts] * len(FINISHED_STATUSES)),
    rows_synced=counts,
    rows_failed_with_errors=counts,
    duration_seconds=st.floats(0, allow_infinity=False),
)
any_ledgers = whole(
    Ledger,
    baseline=times,
    anchor=optional_times,
    recent=st.lists(syncs, max_size=4).map(tuple),
    running=st.frozensets(times, max_size=3),
    tail=tails,
    totals=totals,
    gaps=counts,
    history_known=st.booleans(),
    vanished=st.booleans(),
    attempts=counts,
    searched_at=optional_times,
)
# From this year on, as `decode` lets them through.
credible_syncs = st.builds(
    replace, syncs, sync_start_time=st.integers(0, 10**9).map(lambda seconds: START - timedelta(seconds=seconds))
)
pages = st.builds(Page, st.lists(credible_syncs, max_size=4).map(tuple), st.booleans())


@st.composite
def real_ledgers(draw: st.DrawFn) -> Ledger:
    """A ledger as the rules make it from any pages, one poll after another."""
    ledger, walk = None, Walk()
    for page in draw(st.lists(pages, min_size=1, max_size=4)):
        step = absorb(ledger, walk, page, now=START, max_pages=3)
        ledger, walk = step.ledger, step.walk or Walk()
    assert ledger is not None
    return ledger


ledgers = any_ledgers | real_ledgers()
since = st.none() | whole(Since, at=times, at_first_sight=st.booleans())
listed = whole(
    ListedIntegration,
    integration_id=names,
    integration_name=names,
    integration_type=names,
    integration_status=names,
    warehouse_type=names,
    app_group_id=names,
    last_updated_at=optional_times,
    last_job_start_time=optional_times,
    last_job_status=st.none() | st.sampled_from(SyncStatus),
    next_scheduled_run=optional_times,
    next_run_told=st.booleans(),
)
states = whole(
    IntegrationState,
    first_seen_at=times,
    ledger=st.none() | ledgers,
    listed=st.none() | listed,
    expected=st.none() | whole(ExpectedRun, at=times, announced=st.booleans()),
    had_schedule=st.booleans(),
    paused=since,
    unscheduled=since,
    gone=since,
    renamed_to=names,
    resumed_at=optional_times,
    judged_at=optional_times,
    polls=whole(
        Polls,
        last_at=st.none(),  # of this process only
        succeeded_at=st.none(),
        failure=st.none() | whole(Failure, reason=names, message=names, at=times),
        failing_since=optional_times,
    ),
)
keys = st.tuples(names, names)


@given(keys, states)
def test_any_state_comes_back_as_it_was(key: tuple[str, str], kept: IntegrationState) -> None:
    assert decode_row(encode_row(key, kept)) == (key, kept)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(ledgers, st.data())
def test_a_record_with_anything_in_it_is_a_ledger_or_a_value_error(ledger: Ledger, data: st.DataObject) -> None:
    record = json.loads(encode_ledger(ledger))
    put_anything(record, data)
    with contextlib.suppress(ValueError):
        assert isinstance(decode_ledger(json.dumps(record).encode()), Ledger)


@given(states, st.data())
def test_facts_with_anything_in_them_are_a_state_or_a_value_error(kept: IntegrationState, data: st.DataObject) -> None:
    """No checksum covers them. What is read can be written again."""
    row = list(encode_row(("w", "a"), kept))
    facts = json.loads(row[FACTS])
    put_anything(facts, data)
    row[FACTS] = json.dumps(facts).encode()
    with contextlib.suppress(ValueError):
        key, read = decode_row(row)
        assert decode_row(encode_row(key, read)) == (key, read)


@given(states, st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode()))
def test_bytes_that_are_no_facts_are_a_value_error(kept: IntegrationState, text: bytes) -> None:
    row = list(encode_row(("w", "a"), kept))
    row[FACTS] = text
    with pytest.raises(ValueError, match=r".+"):
        decode_row(row)


def put_anything(record: Any, data: st.DataObject) -> None:
    """Replace one value anywhere in *record*."""
    place = record
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(json_values)


@given(st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode()))
def test_bytes_that_are_no_record_are_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_ledger(text)


@given(keys, states, st.data())
def test_any_changed_byte_of_names_and_ledger_is_noticed(
    key: tuple[str, str], kept: IntegrationState, data: st.DataObject
) -> None:
    row = list(encode_row(key, kept))
    columns = [index for index in (0, 1, LEDGER) if row[index]]
    assume(columns)
    column = data.draw(st.sampled_from(columns))
    place = data.draw(st.integers(0, len(row[column]) - 1))
    changed = bytearray(row[column])
    changed[place] ^= data.draw(st.integers(1, 255))
    row[column] = bytes(changed)
    with pytest.raises(ValueError, match=r".+"):
        decode_row(row)


small_keys = st.tuples(st.sampled_from("vw"), st.sampled_from("abc"))
steps = st.lists(
    st.tuples(st.just("commit"), small_keys, st.integers(0, 5))
    | st.sampled_from([("kill",), ("restart",), ("fill",), ("make room",), ("wait",), ("remove",)]),
    max_size=25,
)


@settings(max_examples=60)
@given(steps)
def test_whatever_the_disk_does_a_store_knows_what_it_was_given(todo: list[tuple[Any, ...]]) -> None:
    """And after a restart as well, once the disk has been well for a minute."""
    around = Surroundings()
    committed: dict[tuple[str, str], IntegrationState] = {}
    full = False
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as disk:
        path = Path(folder, "data")
        store = around.open(path)
        for word, *rest in todo:
            match word:
                case "commit":
                    (workspace, name), number = rest
                    committed[workspace, name] = state(number, judged_at=around.time)
                    store.commit(workspace, name, committed[workspace, name])
                case "kill" if around.persistent and not full and path.exists():
                    left = Path(folder, "left")
                    shutil.copytree(path, left)
                    store.close()
                    shutil.rmtree(path)
                    left.rename(path)
                    store = around.open(path)
                case "restart" if around.persistent and path.exists():  # removed and restarted is begun anew
                    store.close()
                    store = around.open(path)
                case "fill":
                    disk.enter_context(full_disk())
                    full = True
                case "make room":
                    disk.close()
                    full = False
                case "wait":
                    around.a_minute_passes()
                case "remove":
                    shutil.rmtree(path, ignore_errors=True)
            assert all_of(store) == committed
        disk.close()
        for _ in range(2):  # the first may be the one that notices the trouble
            around.a_minute_passes()
            committed["w", "a"] = state(9, judged_at=around.time)
            store.commit("w", "a", committed["w", "a"])
        assert around.persistent
        store.close()
        store = around.open(path)
        assert all_of(store) == committed
        store.close()


past_steps = st.lists(
    st.tuples(st.sampled_from(["commit", "add"]), st.sampled_from("ab"), st.lists(st.integers(0, 40), max_size=30))
    | st.sampled_from([("kill",), ("restart",), ("fill",), ("make room",), ("wait",)]),
    max_size=20,
)


@settings(max_examples=15)
@given(past_steps)
def test_a_past_holds_each_sync_it_was_given_once_and_in_order(todo: list[tuple[Any, ...]]) -> None:
    """Whatever the disk does, in however many parts they come, and with the progress of the latest page."""
    around = Surroundings()
    given_syncs: dict[str, dict[datetime, Sync]] = {"a": {}, "b": {}}
    progress = {"a": Progress(), "b": Progress()}
    full = False
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as disk:
        path = Path(folder, "data")
        store = around.open(path)
        for step, (word, *rest) in enumerate(todo):
            match word:
                case "commit" | "add":
                    name, hours = rest
                    new = [past_sync(hour, rows=step) for hour in hours]
                    given_syncs[name].update((sync.sync_start_time, sync) for sync in new)
                    if word == "commit":
                        store.commit("w", name, state(step, judged_at=around.time), new)
                    else:
                        progress[name] = Progress(
                            step, START - timedelta(hours=step), f"skip:{step}", done=bool(step % 2)
                        )
                        store.add_to_past("w", name, new, progress[name])
                case "kill" if around.persistent and not full:
                    left = Path(folder, "left")
                    shutil.copytree(path, left)
                    store.close()
                    shutil.rmtree(path)
                    left.rename(path)
                    store = around.open(path)
                case "restart" if around.persistent and not full:
                    store.close()
                    store = around.open(path)
                case "fill":
                    disk.enter_context(full_disk())
                    full = True
                case "make room":
                    disk.close()
                    full = False
                case "wait":
                    around.a_minute_passes()
            for name, expected in given_syncs.items():
                stored = store.load_past("w", name)
                assert stored.past.syncs == tuple(expected[start] for start in sorted(expected))
                assert stored.progress == progress[name]
        store.close()


def past_sync(hour: int, rows: int) -> Sync:
    start = START.replace(microsecond=0) + timedelta(hours=hour)
    return Sync(start, SyncStatus.SUCCESS, start + timedelta(minutes=1), None, rows, None)


def all_of(store: Store) -> dict[tuple[str, str], IntegrationState]:
    return {(workspace, name): kept for workspace in "vw" for name, kept in store.load(workspace).items()}

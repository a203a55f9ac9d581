"""What holds for any account on disk: it comes back as it was, or as damage, never as something else."""

import contextlib
import json
import shutil
import tempfile
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain.ledger import Ledger, Page, Tail, Walk, absorb
from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus, Totals
from exporter.state.codec import decode_ledger, encode_ledger
from exporter.state.row import decode_row, encode_row
from exporter.state.store import Account, Properties, Store
from tests.accounts import START, Surroundings, account, full_disk

T = TypeVar("T")

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
    assert parts.keys() == {field.name for field in fields(cast("type[Any]", kind))}
    return st.builds(kind, **parts)


syncs = whole(
    Sync,
    sync_start_time=times,
    job_status=st.sampled_from(SyncStatus),
    sync_finish_time=optional_times,
    last_timestamp_synced=optional_times,
    rows_synced=st.none() | rows,
    rows_failed_with_errors=st.none() | rows,
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
properties = st.builds(Properties, *[names] * len(Properties._fields))
accounts = whole(
    Account, ledger=ledgers, heard_at=times, expected_run_at=optional_times, properties=st.none() | properties
)
keys = st.tuples(names, names)


@given(keys, accounts)
def test_any_account_comes_back_as_it_was(key: tuple[str, str], account: Account) -> None:
    assert decode_row(encode_row(key, account)) == (key, account)


@given(keys, accounts)
def test_properties_of_an_older_file_lack_the_status(key: tuple[str, str], account: Account) -> None:
    row = list(encode_row(key, replace(account, properties=Properties("n", "t", "w", "g", "paused"))))
    row[4] = json.dumps(["n", "t", "w", "g"])
    assert decode_row(row)[1].properties == Properties("n", "t", "w", "g")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(ledgers, st.data())
def test_a_record_with_anything_in_it_is_a_ledger_or_a_value_error(ledger: Ledger, data: st.DataObject) -> None:
    record = json.loads(encode_ledger(ledger))
    place: Any = record
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(json_values)
    with contextlib.suppress(ValueError):
        assert isinstance(decode_ledger(json.dumps(record).encode()), Ledger)


@given(st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode()))
def test_bytes_that_are_no_record_are_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_ledger(text)


@given(keys, accounts, st.data())
def test_any_changed_byte_is_noticed(key: tuple[str, str], account: Account, data: st.DataObject) -> None:
    row = list(encode_row(key, account))
    column = data.draw(st.sampled_from([index for index in (0, 1, 5) if row[index]]))
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
    given_accounts: dict[tuple[str, str], Account] = {}
    full = False
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as disk:
        path = Path(folder, "data")
        store = around.open(path)
        for word, *rest in todo:
            match word:
                case "commit":
                    (workspace, name), number = rest
                    given_accounts[workspace, name] = account(number, heard_at=around.time)
                    store.commit(workspace, name, given_accounts[workspace, name])
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
            assert all_of(store) == given_accounts
        disk.close()
        for _ in range(2):  # the first may be the one that notices the trouble
            around.a_minute_passes()
            given_accounts["w", "a"] = account(9, heard_at=around.time)
            store.commit("w", "a", given_accounts["w", "a"])
        assert around.persistent
        store.close()
        store = around.open(path)
        assert all_of(store) == given_accounts
        store.close()


def all_of(store: Store) -> dict[tuple[str, str], Account]:
    return {(workspace, name): kept for workspace in "vw" for name, kept in store.load(workspace).items()}

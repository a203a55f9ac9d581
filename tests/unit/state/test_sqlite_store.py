"""The store on a disk that works."""

import gc
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.domain.integration_state import IntegrationState, Session
from exporter.domain.model import Polls
from exporter.state.lock import StorageInUseError
from exporter.state.sqlite import FILE_NAME
from exporter.state.store import KEPT_FOR, MemoryStore, Storage
from tests.kept import START, Surroundings, files, state

ODD_NAMES = ["", "ä \n'\"; --", "\udcff lone", "nul \0 inside", "x" * 5000]


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path / "deep" / "data")
    assert store.load("w") == {}
    for number in range(30):
        store.commit("w", f"id-{number}", state(number))
    store.commit("other", "id-1", state(99))
    store.commit("w", "id-1", state(100))
    store.close()
    again = around.open(tmp_path / "deep" / "data")
    assert again.load("w") == {f"id-{number}": state(100 if number == 1 else number) for number in range(30)}
    assert again.load("other") == {"id-1": state(99)}
    assert again.load("unknown") == {}
    assert around.persistent
    assert around.failures == 0
    assert around.said() == []
    again.close()


def test_new_facts_with_the_same_ledger_are_kept_too(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    first = state(1)
    store.commit("w", "a", first)
    store.commit("w", "b", first)
    later = IntegrationState(START, first.ledger, judged_at=START + timedelta(days=3))
    store.commit("w", "a", later)
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": later, "b": first}
    again.close()


def test_what_load_returns_does_not_change_later(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path)
    store.commit("w", "a", state(1))
    loaded = store.load("w")
    store.commit("w", "a", state(2))
    assert loaded == {"a": state(1)}
    store.close()


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_any_name_is_kept(tmp_path: Path, name: str) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit(name, name + "1", state(1))
    store.commit(name, name + "2", state(2))
    store.commit(name, name + "2", replace(state(2), judged_at=START + timedelta(1)))
    store.close()
    again = around.open(tmp_path)
    assert again.load(name) == {name + "1": state(1), name + "2": replace(state(2), judged_at=START + timedelta(1))}
    again.close()


def test_a_commit_is_on_disk_before_the_store_is_closed(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path / "used")
    store.commit("w", "a", state(1))
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "used").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    store.close()
    as_after_a_kill = Surroundings().open(copy)
    assert as_after_a_kill.load("w") == {"a": state(1)}
    as_after_a_kill.close()


def test_nothing_is_left_to_the_garbage_collector(tmp_path: Path) -> None:
    """What it closes late would take the log of changes away from the connection in use."""
    around = Surroundings()
    around.open(tmp_path / "living").close()
    living = around.open(tmp_path / "living")
    shutil.copytree(tmp_path / "living", tmp_path / "left")
    assert (tmp_path / "left" / f"{FILE_NAME}-wal").stat().st_size == 0  # only an empty log is removed
    living.close()
    gc.collect()
    gc.disable()
    try:
        store = around.open(tmp_path / "left")
        store.commit("w", "b", state(2))
        before = files(tmp_path / "left")
        gc.collect()
    finally:
        gc.enable()
    assert files(tmp_path / "left") == before
    store.close()


def test_a_second_exporter_on_the_same_path_is_refused(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1))
    with pytest.raises(StorageInUseError) as refused:
        around.open(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)
    store.commit("w", "a", state(2))
    store.close()
    third = around.open(tmp_path)
    assert third.load("w") == {"a": state(2)}
    third.close()


def test_another_process_is_refused_too_until_this_one_ends(tmp_path: Path) -> None:
    around = Surroundings()
    holder = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(StorageInUseError):
            around.open(tmp_path)
        process.kill()
    store = around.open(tmp_path)
    assert around.persistent
    store.close()


HOLDER = """
import sys
from pathlib import Path
from tests.kept import Surroundings
store = Surroundings().open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_states_out_of_use_are_forgotten_after_thirty_days(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "old", state(1, judged_at=START))
    store.commit("w", "silent", state(2, judged_at=START))
    store.commit("w", "returning", state(3, judged_at=START + timedelta(microseconds=1)))
    store.forget_older(START + KEPT_FOR + timedelta(microseconds=1), in_use={("w", "silent")})
    assert set(store.load("w")) == {"silent", "returning"}
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {
        "silent": state(2),
        "returning": state(3, judged_at=START + timedelta(microseconds=1)),
    }
    again.commit("w", "old", state(4))
    assert again.load("w")["old"] == state(4)
    again.close()


def test_the_store_in_memory_forgets_by_the_same_rule() -> None:
    store = MemoryStore()
    store.commit("w", "old", state(1))
    store.commit("w", "silent", state(2))
    store.forget_older(START + KEPT_FOR + timedelta(microseconds=1), in_use={("w", "silent")})
    assert store.load("w") == {"silent": state(2)}


def test_a_state_that_was_never_judged_is_kept_from_when_it_was_first_seen(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "old", IntegrationState(START))
    store.commit("w", "new", IntegrationState(START + timedelta(seconds=1)))
    store.forget_older(START + KEPT_FOR + timedelta(seconds=1), in_use=())
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"new": IntegrationState(START + timedelta(seconds=1))}
    again.close()


def test_a_state_without_a_ledger_gets_one_and_loses_it_again(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    for kept in (replace(state(1), ledger=None), state(1), replace(state(2), ledger=None)):
        store.commit("w", "a", kept)
        store.close()
        store = around.open(tmp_path)
        assert store.load("w") == {"a": kept}
    store.close()


def test_a_state_that_is_forgotten_is_gone_after_a_restart_too(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    for name in ("a", "b"):
        store.commit("w", name, state(1))
    store.forget("w", "a")
    store.forget("w", "never known")
    assert set(store.load("w")) == {"b"}
    store.close()
    again = around.open(tmp_path)
    assert set(again.load("w")) == {"b"}
    assert around.said() == []
    again.close()


def test_what_holds_for_the_process_alone_is_not_kept(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    polled = replace(state(1), polls=Polls(START, START), session=Session(listed_at=5.0))
    store.commit("w", "a", polled)
    store.close()
    again = around.open(tmp_path)
    kept = again.load("w")["a"]
    assert (kept.polls, kept.session) == (Polls(), Session())
    again.close()


def test_a_closed_store_keeps_the_next_exporter_undisturbed(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.close()
    following = around.open(tmp_path)
    around.a_minute_passes()
    store.commit("w", "late", state(1))
    following.commit("w", "a", state(2))
    following.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(2)}
    again.close()


def test_both_stores_offer_the_same(tmp_path: Path) -> None:
    stores: list[Storage] = [MemoryStore(), Surroundings().open(tmp_path)]
    for store in stores:
        store.commit("w", "a", state(1))
        assert store.load("w") == {"a": state(1)}
        store.close()

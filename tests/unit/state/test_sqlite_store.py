"""The store on a disk that works."""

import gc
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.state.lock import StorageInUseError
from exporter.state.store import MemoryStore
from exporter.state.sqlite import FILE_NAME
from exporter.state.store import KEPT_FOR, Account, Storage
from tests.accounts import START, Surroundings, account, files

ODD_NAMES = ["", "ä \n'\"; --", "\udcff lone", "nul \0 inside", "x" * 5000]


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path / "deep" / "data")
    assert store.load("w") == {}
    for number in range(30):
        store.commit("w", f"id-{number}", account(number))
    store.commit("other", "id-1", account(99))
    store.commit("w", "id-1", account(100))
    store.close()
    again = around.open(tmp_path / "deep" / "data")
    assert again.load("w") == {f"id-{number}": account(100 if number == 1 else number) for number in range(30)}
    assert again.load("other") == {"id-1": account(99)}
    assert again.load("unknown") == {}
    assert around.persistent
    assert around.failures == 0
    assert around.said() == []
    again.close()


def test_new_times_with_the_same_ledger_are_kept_too(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    first = account(1)
    store.commit("w", "a", first)
    store.commit("w", "b", first)
    later = Account(first.ledger, START + timedelta(days=3), None)
    store.commit("w", "a", later)
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": later, "b": first}
    again.close()


def test_what_load_returns_does_not_change_later(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path)
    store.commit("w", "a", account(1))
    loaded = store.load("w")
    store.commit("w", "a", account(2))
    assert loaded == {"a": account(1)}
    store.close()


@pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_any_name_is_kept(tmp_path: Path, name: str) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit(name, name + "1", account(1))
    store.commit(name, name + "2", account(2))
    store.commit(name, name + "2", replace(account(2), heard_at=START + timedelta(1)))
    store.close()
    again = around.open(tmp_path)
    assert again.load(name) == {name + "1": account(1), name + "2": replace(account(2), heard_at=START + timedelta(1))}
    again.close()


def test_a_commit_is_on_disk_before_the_store_is_closed(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path / "used")
    store.commit("w", "a", account(1))
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "used").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    store.close()
    as_after_a_kill = Surroundings().open(copy)
    assert as_after_a_kill.load("w") == {"a": account(1)}
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
        store.commit("w", "b", account(2))
        before = files(tmp_path / "left")
        gc.collect()
    finally:
        gc.enable()
    assert files(tmp_path / "left") == before
    store.close()


def test_a_second_exporter_on_the_same_path_is_refused(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", account(1))
    with pytest.raises(StorageInUseError) as refused:
        around.open(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)
    store.commit("w", "a", account(2))
    store.close()
    third = around.open(tmp_path)
    assert third.load("w") == {"a": account(2)}
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
from tests.accounts import Surroundings
store = Surroundings().open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_accounts_out_of_use_are_forgotten_after_thirty_days(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "old", account(1, heard_at=START))
    store.commit("w", "silent", account(2, heard_at=START))
    store.commit("w", "returning", account(3, heard_at=START + timedelta(microseconds=1)))
    store.forget_older(START + KEPT_FOR + timedelta(microseconds=1), in_use={("w", "silent")})
    assert set(store.load("w")) == {"silent", "returning"}
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {
        "silent": account(2),
        "returning": account(3, heard_at=START + timedelta(microseconds=1)),
    }
    again.commit("w", "old", account(4))
    assert again.load("w")["old"] == account(4)
    again.close()


def test_the_store_in_memory_forgets_by_the_same_rule() -> None:
    store = MemoryStore()
    store.commit("w", "old", account(1))
    store.commit("w", "silent", account(2))
    store.forget_older(START + KEPT_FOR + timedelta(microseconds=1), in_use={("w", "silent")})
    assert store.load("w") == {"silent": account(2)}


def test_a_closed_store_keeps_the_next_exporter_undisturbed(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.close()
    following = around.open(tmp_path)
    around.a_minute_passes()
    store.commit("w", "late", account(1))
    following.commit("w", "a", account(2))
    following.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": account(2)}
    again.close()


def test_both_stores_offer_the_same(tmp_path: Path) -> None:
    stores: list[Storage] = [MemoryStore(), Surroundings().open(tmp_path)]
    for store in stores:
        store.commit("w", "a", account(1))
        assert store.load("w") == {"a": account(1)}
        store.close()

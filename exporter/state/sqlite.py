"""
The store on disk, which goes on in memory when the disk fails.

All states are in memory too, so that a disk that fails, fills up or is swapped costs nothing while the process lives;
of pasts, which are large, only what the disk does not have. What is committed is on disk when `commit` returns, or is
marked as unwritten. After a problem the disk is left alone for RETRY_AFTER, then tried again with all that is
unwritten. What a person must know is logged when it begins and when it ends. Where memory and disk differ, memory is
right, as it has been shown. Knows no SQL.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from exporter.domain.integration_state import IntegrationState
from exporter.domain.model import Sync
from exporter.state.errors import DamagedError, StateFileError, UnusableError, translated
from exporter.state.lock import StorageInUseError, StorageLock
from exporter.state.pasts import Progress, StoredPast
from exporter.state.statefile import StateFile, quarantine
from exporter.state.store import KEPT_FOR, Key, MemoryStore, Report

FILE_NAME = "state.sqlite"
RETRY_AFTER = timedelta(seconds=5)
T = TypeVar("T")


class SqliteStore:
    """
    Keeps states in one SQLite file in *directory*, once `start` has been called, in whatever thread.

    *now* is the time of day, for the pauses between tries and the names of damaged files. *report* hears at once, and
    at every change, whether states are on disk, and *log* why not. Whatever state the disk is in, there is a store.
    """

    def __init__(
        self, directory: Path, *, now: Callable[[], datetime], report: Report, log: FilteringBoundLogger
    ) -> None:
        self.losses = 0
        self._path = directory / FILE_NAME
        self._now = now
        self._report = report
        self._log = log.bind(path=str(self._path))
        self._memory = MemoryStore()
        self._unwritten: set[Key] = set()
        self._lock: StorageLock | None = None
        self._file: StateFile | None = None
        self._known_file: tuple[int, int] | None = None  # whose states are in memory
        self._tried_at: datetime | None = None
        self._problem = ""  # why states are in memory only, as last logged
        self._closed = False

    def start(self) -> None:
        """
        Have the disk for the first time, at least for reading.

        Raises:
            StorageInUseError: Another exporter has the path.

        """
        try:
            self._have_disk()
        except StateFileError as error:
            self._lose_disk(error)
            self._read_only()

    def load(self, workspace: str) -> Mapping[str, IntegrationState]:
        """Return the states of a workspace by integration id."""
        return self._memory.load(workspace)

    def commit(self, workspace: str, integration_id: str, state: IntegrationState, syncs: Iterable[Sync] = ()) -> None:
        """Keep a state in place of the one before: on disk when this returns, unless the disk fails."""
        key, syncs = (workspace, integration_id), tuple(syncs)
        known = self._memory.get(key)
        self._memory.commit(workspace, integration_id, state)
        same = known is not None and known.ledger is state.ledger

        def later() -> None:
            self._unwritten.add(key)
            self._memory.add_to_past(workspace, integration_id, syncs)

        self._write(lambda file: file.write(key, state, syncs, same_ledger=same), later)

    def load_past(self, workspace: str, integration_id: str) -> StoredPast:
        """Return a past as it is on disk, with what could not be written yet."""
        key = workspace, integration_id
        stored, damage = self._read(lambda file: file.load_past(key), (StoredPast(), ""))
        if damage:
            self._report.state_write_failed()
            log = self._log.bind(workspace=workspace, integration_id=integration_id)
            log.error("a damaged part of the history is dropped", reason=damage)
            if self._file is not None:
                self._write(lambda file: file.replace_past(key, stored))
                self.losses += 1
        return stored.joined(self._memory.load_past(*key))

    def load_outlines(self, workspace: str) -> Mapping[str, StoredPast]:
        outlines: dict[str, StoredPast] = self._read(lambda file: file.load_outlines(workspace), {})
        for name, later in self._memory.load_outlines(workspace).items():
            outlines[name] = outlines.get(name, StoredPast()).joined(later)
        return outlines

    def add_to_past(
        self, workspace: str, integration_id: str, syncs: Iterable[Sync], progress: Progress | None = None
    ) -> None:
        key, syncs = (workspace, integration_id), tuple(syncs)
        self._write(
            lambda file: file.add_to_past(key, syncs, progress), lambda: self._memory.add_to_past(*key, syncs, progress)
        )

    def keep_learned(self, workspace: str, integration_id: str, learned: bytes, at: datetime) -> None:
        key = workspace, integration_id
        self._write(lambda to: to.keep_learned(key, learned, at), lambda: self._memory.keep_learned(*key, learned, at))

    def _write(self, write: Callable[[StateFile], None], later: Callable[[], None] = lambda: None) -> None:
        """Write to the disk; where it cannot be had, keep for *later* what is to be written."""
        if self._file is None:
            later()
            self._try_again()
            return
        try:
            write(self._file)
        except StateFileError as error:
            later()
            self._lose_disk(error)

    def _read(self, read: Callable[[StateFile], T], nothing: T) -> T:
        """Read from the disk, be it only for this moment; return *nothing* where that fails."""
        try:
            if self._file is not None:
                return read(self._file)
            with closing(StateFile.open_for_reading(self._path)) as file:
                return read(file)
        except StateFileError as error:
            if self._file is not None:
                self._lose_disk(error)
            return nothing

    def forget(self, workspace: str, integration_id: str) -> None:
        self._memory.forget(workspace, integration_id)
        self._unwritten.discard((workspace, integration_id))
        self._write(lambda file: file.delete_all([(workspace, integration_id)]))

    def forget_older(self, now: datetime, in_use: Container[Key]) -> None:
        """Drop states last seen more than KEPT_FOR ago, except those *in_use*."""
        old = self._memory.forget_older(now, in_use)
        self._unwritten.difference_update(old)
        self._write(lambda file: file.forget_older(old, now - KEPT_FOR))

    def shrink(self) -> Iterator[None]:
        """Give free space in the file back to the disk, step by step."""
        file = self._file
        for _ in file.shrink() if file is not None else ():
            yield
            if self._file is not file:  # the disk was lost between two steps
                return

    def look_after(self) -> None:
        """Write what is unwritten once the disk lets us, and notice that the file is no longer in its place."""
        try:
            if self._file is not None:
                self._file.expect_in_place()
        except StateFileError as error:
            self._lose_disk(error)
            self._tried_at = None
        if self._file is None:
            self._try_again()

    def close(self) -> None:
        """Write what is unwritten if the disk lets us by now, and let go of it."""
        if self._unwritten:
            self._tried_at = None
            self._try_again()
        self._closed = True
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _try_again(self) -> None:
        now = self._now()
        # abs: a clock that was set back must not make the pause last until it has caught up.
        if self._closed or (self._tried_at is not None and abs(now - self._tried_at) < RETRY_AFTER):
            return
        try:
            self._have_disk()
        except (StateFileError, StorageInUseError) as error:
            self._lose_disk(error if isinstance(error, StateFileError) else UnusableError(str(error)))

    def _have_disk(self) -> None:
        """Take the lock, open the file, or begin a new one if it is damaged, and even out memory and disk."""
        self._tried_at = self._now()
        self._take_lock()
        try:
            self._attach()
        except DamagedError as error:
            aside = quarantine(self._path, self._now())
            self._report.state_write_failed()
            self._log.error(
                "the state file is damaged; it is set aside and a new one started", reason=str(error), aside=str(aside)
            )
            self._attach()
        self._report.state_persistent(value=True)
        if self._problem:
            self._log.info("the state is on disk again")
            self._problem = ""

    def _take_lock(self) -> None:
        if self._lock is not None and self._lock.in_place():
            return
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = StorageLock(self._path.parent)
        except OSError as error:
            raise translated(error) from error

    def _attach(self) -> None:
        file = StateFile.open(self._path)
        try:
            if file.begun or file.identity != self._known_file:
                self._take_over(file)
                self._memory.unread_pasts()  # what was read may have been in the file before
                if self._problem:  # nor need this one have what came after it was written
                    file.unread_pasts()
                self.losses += 1
            file.write_all((key, state) for key, state in self._memory.items() if key in self._unwritten)
            for key, later in self._memory.pasts.items():
                file.replace_past(key, file.load_past(key)[0].joined(later))
        except StateFileError:
            file.close()
            raise
        self._unwritten.clear()
        self._memory.pasts.clear()
        self._file = file

    def _take_over(self, file: StateFile, *, writable: bool = True) -> None:
        """Take states that are only in the file; those that are not in it, or other, are unwritten."""
        contents = file.read()
        for damaged in contents.damaged:
            self._log.error(
                "a damaged state is set aside; its integration starts over",
                workspace=damaged.workspace,
                integration_id=damaged.integration_id,
                reason=damaged.reason,
            )
        if contents.damaged and writable:
            file.set_aside(contents.damaged, self._now())
        self._unwritten = {key for key, state in self._memory.items() if contents.states.get(key) != state}
        for key, state in contents.states.items():
            if self._memory.get(key) is None:
                self._memory.commit(*key, state)
        self._known_file = file.identity

    def _read_only(self) -> None:
        """Where the disk cannot be written, what is on it still tells what was counted."""
        try:
            file = StateFile.open_for_reading(self._path)
        except StateFileError:
            return  # that it cannot be used is said already
        try:
            self._take_over(file, writable=False)
            self._log.info("the state was read from disk after all")
        except StateFileError as error:
            self._log.warning("the state cannot be read from it either", reason=str(error))
        finally:
            file.close()

    def _lose_disk(self, error: StateFileError) -> None:
        """Go on in memory."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if isinstance(error, DamagedError):
            self._known_file = None  # to be examined, not only opened
        self._report.state_write_failed()
        self._report.state_persistent(value=False)
        if self._problem != str(error):
            self._problem = str(error)
            self._log.warning("the state is in memory only, and will be lost at a restart", reason=self._problem)

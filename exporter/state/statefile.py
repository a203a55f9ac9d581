"""
One SQLite file of states: open it, read all, write some. Every problem is a StateFileError (`errors.py`).

Decides what a damaged row costs: that state only, which is put aside in a table of its own. Does not know how SQLite
opens a file, what is done about problems, nor that states are kept in memory as well.
"""

import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from exporter.domain.integration_state import IntegrationState
from exporter.domain.model import Sync
from exporter.state.codec import encode_time
from exporter.state.connect import SUFFIXES, connected_for_reading, connected_for_writing
from exporter.state.errors import DamagedError, UnusableError, translated
from exporter.state.pasts import PARTS, UNREAD, PastReader, Progress, StoredPast, adding, deleting, learning, replacing
from exporter.state.row import decode_row, encode_facts, encode_names, encode_row, shown
from exporter.state.schema import MIGRATIONS, Migrations, check_schema, create_schema, migrate
from exporter.state.shrink import shrink
from exporter.state.store import Key

MOST = 20
"""Files in quarantine; a disk that damages every file must not be filled with them."""
_READ = "SELECT id, workspace, integration_id, judged_at, facts, ledger, checksum FROM integration"
# CAST, because Python refuses to pass a text with lone surrogates, which JSON and YAML can hold.
_WRITE = """
    INSERT INTO integration (workspace, integration_id, judged_at, facts, ledger, checksum)
    VALUES (CAST(?1 AS TEXT), CAST(?2 AS TEXT), ?3, ?4, ?5, ?6)
    ON CONFLICT (workspace, integration_id) DO UPDATE SET judged_at = ?3, facts = ?4, ledger = ?5, checksum = ?6
"""
_TOUCH = """
    UPDATE integration SET judged_at = ?3, facts = ?4
    WHERE workspace = CAST(?1 AS TEXT) AND integration_id = CAST(?2 AS TEXT)
"""
_DELETE = "DELETE FROM integration WHERE workspace = CAST(?1 AS TEXT) AND integration_id = CAST(?2 AS TEXT)"
_SET_ASIDE = """
    INSERT INTO damaged_integration (workspace, integration_id, judged_at, facts, ledger, checksum, reason, found_at)
    SELECT workspace, integration_id, judged_at, facts, ledger, checksum, ?2, ?3 FROM integration WHERE id = ?1
"""


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A row that holds no state, and why. The names are for people: they may be damaged too."""

    row: int
    workspace: str
    integration_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in the file."""

    states: Mapping[Key, IntegrationState]
    damaged: tuple[DamagedRow, ...]


class StateFile:
    """An open state file. After any problem it is good for `close` only. All methods raise StateFileError."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, begun: bool = False) -> None:
        self._path = path
        self._connection = connection
        self.identity = _identity(path)
        """Which file it is, as long as it exists; then another may get the same."""
        self.begun = begun
        """Whether there was none before."""
        self._pasts = PastReader(self._execute)

    @classmethod
    def open(cls, path: Path, migrations: Migrations = MIGRATIONS) -> "StateFile":
        """
        Open the file for writing; create it if there is none; bring an older one to the latest schema.

        Raises:
            DamagedError: It is empty, not ours, or cannot be read.
            NewerSchemaError: A newer exporter wrote it; not a byte has been changed.
            UnusableError: The disk does not allow it.

        """
        begun = not _exists(path, migrations)
        if begun:
            _create(path, migrations)
        with connected_for_writing(path) as connection:
            migrate(connection, migrations)
            return cls(path, connection, begun=begun)

    @classmethod
    def open_for_reading(cls, path: Path) -> "StateFile":
        """
        Open a file of the latest schema, and change not a byte of it nor of what is beside it.

        Raises:
            DamagedError: It is empty, not ours, or cannot be read.
            NewerSchemaError: A newer exporter wrote it.
            UnusableError: The disk does not allow it, or an older exporter wrote it.

        """
        _exists(path, MIGRATIONS)
        with connected_for_reading(path) as connection:
            if check_schema(connection) != len(MIGRATIONS):
                raise UnusableError("an older exporter wrote it, and it cannot be upgraded without writing")
            return cls(path, connection)

    def read(self) -> Contents:
        """Return all states, and the rows that hold none."""
        states: dict[Key, IntegrationState] = {}
        damaged = []
        try:
            sound = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if sound != b"ok":
                raise DamagedError(f"SQLite's check says: {shown(sound)}")
            with closing(self._connection.execute(_READ)) as rows:  # an open cursor would keep the connection open
                for row, *fields in rows:
                    try:
                        key, state = decode_row(fields)
                    except ValueError as error:
                        damaged.append(DamagedRow(row, shown(fields[0]), shown(fields[1]), str(error)))
                    else:
                        states[key] = state
        except sqlite3.Error as error:
            raise translated(error) from error
        return Contents(states, tuple(damaged))

    def write(self, key: Key, state: IntegrationState, syncs: Sequence[Sync] = (), *, same_ledger: bool) -> None:
        """Put a state in place of the one before, cheaply where the ledger is the same; add *syncs* to its past."""
        self.expect_in_place()
        if same_ledger:
            statement = _TOUCH, (*encode_names(key), *encode_facts(state))
        else:
            statement = _WRITE, encode_row(key, state)
        if syncs:
            self._in_one((statement, *adding(encode_names(key), syncs)))
            self._join_parts(key)
        else:
            self._execute(*statement)

    def write_all(self, states: Iterable[tuple[Key, IntegrationState]]) -> None:
        """Put states in place of those before: all, or none."""
        self._in_one((_WRITE, encode_row(key, state)) for key, state in states)

    def delete_all(self, keys: Iterable[Key]) -> None:
        self._in_one(
            statement for key in keys for statement in ((_DELETE, encode_names(key)), *deleting(encode_names(key)))
        )

    def load_past(self, key: Key) -> tuple[StoredPast, str]:
        """Return a past, and what is damaged of it."""
        return self._pasts.load(encode_names(key))

    def load_outlines(self, workspace: str) -> dict[str, StoredPast]:
        """Return all pasts of a workspace, without their syncs."""
        return dict(self._pasts.outlines(encode_names((workspace, ""))[0]))

    def add_to_past(self, key: Key, syncs: Iterable[Sync], progress: Progress | None) -> None:
        self.expect_in_place()
        self._in_one(adding(encode_names(key), syncs, progress))
        self._join_parts(key)

    def keep_learned(self, key: Key, learned: bytes, at: datetime) -> None:
        self.expect_in_place()
        self._in_one(learning(encode_names(key), learned, at))

    def replace_past(self, key: Key, stored: StoredPast) -> None:
        self.expect_in_place()
        self._in_one(replacing(encode_names(key), stored))

    def unread_pasts(self) -> None:
        """Take no past for read any more."""
        self._execute(UNREAD, ())

    def _join_parts(self, key: Key) -> None:
        if self._pasts.parts(encode_names(key)) > PARTS:
            stored, damage = self.load_past(key)
            if not damage:  # that is noticed when it is loaded
                self.replace_past(key, stored)

    def set_aside(self, rows: Iterable[DamagedRow], now: datetime) -> None:
        """Move damaged rows to the table of those, for a person to look at."""
        self._in_one(
            statement
            for damaged in rows
            for statement in (
                (_SET_ASIDE, (damaged.row, damaged.reason, encode_time(now))),
                ("DELETE FROM integration WHERE id = ?1", (damaged.row,)),
            )
        )

    def forget_older(self, keys: Iterable[Key], before: datetime) -> None:
        """Delete these, and damaged rows found before that time."""
        self.delete_all(keys)
        self._execute("DELETE FROM damaged_integration WHERE found_at < ?1", (encode_time(before),))

    def shrink(self) -> Iterator[None]:
        """Give free pages back to the disk, step by step. Where that fails they stay, and nothing is lost."""
        with suppress(sqlite3.Error):
            yield from shrink(self._connection)

    def close(self) -> None:
        # What closing could not write is in the log, or was never committed.
        with suppress(sqlite3.Error):
            self._connection.close()

    def _in_one(self, statements: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Execute in one transaction; where it fails, closing ends it."""
        self._execute("BEGIN IMMEDIATE", ())
        for statement, values in statements:
            self._execute(statement, values)
        self._execute("COMMIT", ())

    def _execute(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise translated(error) from error

    def expect_in_place(self) -> None:
        """Raise UnusableError for a file that was removed or replaced: SQLite would go on, for nobody to find."""
        if _identity(self._path) != self.identity:
            raise UnusableError("the state file was replaced by another while it was in use")


def _exists(path: Path, migrations: Migrations) -> bool:
    """
    Whether there is a file; raise if it is damaged or newer.

    Not a byte is changed: opening it for writing would tidy up its log.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DamagedError("it is not a file")
        if not status.st_size:  # SQLite would take it for a new one, and delete its log
            raise DamagedError("it is empty")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise translated(error) from error
    # A log that was cut off may need writing to be read; then the schema is checked again.
    with suppress(UnusableError), connected_for_reading(path) as connection, closing(connection):
        check_schema(connection, migrations)
    return True


def _create(path: Path, migrations: Migrations) -> None:
    """Write a new file under another name, and rename it once it is on the disk, so that it is never seen half done."""
    new = path.with_name(f"{path.name}.new")
    try:
        for suffix in SUFFIXES:
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        with connected_for_writing(new, new=True) as connection, closing(connection):
            create_schema(connection, migrations)
        # SQLite would believe a log that is left of a file that is gone.
        for suffix in SUFFIXES[1:]:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        # Closing has moved the new file's log into it, and waited for the disk.
        new.rename(path)
    except OSError as error:
        raise translated(error) from error


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise translated(error) from error
    return status.st_dev, status.st_ino


def quarantine(path: Path, now: datetime) -> Path:
    """
    Move the state file and what belongs to it, and return its new name.

    Raises:
        UnusableError: It cannot be moved, or too many have been.

    """
    try:
        names = [other.name for other in path.parent.iterdir()]
        taken = [name for name in names if name.startswith(f"{path.name}.damaged-") and not name.endswith(SUFFIXES[1:])]
        if len(taken) >= MOST:
            raise UnusableError(f"{len(taken)} damaged state files are set aside already; look at them and remove them")
        aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
        if aside.name in taken:
            aside = aside.with_name(f"{aside.name}-{len(taken)}")
        # The database first: SQLite drops a log whose database is gone, but would believe one whose database is new.
        for suffix in SUFFIXES:
            if path.name + suffix in names:
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise translated(error) from error
    return aside

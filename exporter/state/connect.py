"""
How SQLite opens the state file: journal, durability, locking; for writing, and for reading without a trace.

Every connection is closed by who asked for it. One left to the garbage collector would be closed at any later time, and
closing can remove the log of changes from under a connection that was opened since.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.state.errors import translated

SUFFIXES = ("", "-wal", "-journal", "-shm")
"""What SQLite adds to the file's name, for itself and the files that belong to it."""

_BUSY_SECONDS = 0.25
"""How long to wait for another program that has the file open; later nobody else can have it."""


@contextmanager
def connected_for_writing(path: Path, *, new: bool = False) -> Iterator[sqlite3.Connection]:
    """Open, and close again if the block raises; an sqlite3.Error of the block is translated too."""
    with _connected(_uri(path)) as connection:
        # Exclusive: no shared memory, so it works on network file systems, and nobody locks us out in mid-work.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if new:  # free pages can be given back (`shrink.py`); that has no effect once anything is written
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # A commit is appended to the log, and the kernel has it at once: kill -9 loses nothing. NORMAL calls fsync at
        # checkpoints only. A power cut may take the latest commits; what is left is the state of an earlier moment, and
        # the walk to its anchors counts what came after. FULL would let every commit wait for the disk, on the thread
        # that answers scrapes.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        yield connection


@contextmanager
def connected_for_reading(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Open an existing file so that reading changes nothing, not even where a disk cannot be written at all.

    The same as `connected_for_writing` otherwise. Without locks: the caller holds the lock of the storage path, or
    could not write anyway. A log of changes that was left is read too; where there is none SQLite would try to make
    one, unless nobody changes the file.
    """
    log = any(os.path.lexists(f"{path}{suffix}") for suffix in SUFFIXES[1:])
    uri = f"{_uri(path)}?mode=ro&{'vfs=unix-none' if log else 'immutable=1'}"
    with _connected(uri) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # else it would make a file of shared memory
        yield connection


def _uri(path: Path) -> str:
    try:
        return path.absolute().as_uri()
    except OSError as error:  # the working directory was removed
        raise translated(error) from error


@contextmanager
def _connected(uri: str) -> Iterator[sqlite3.Connection]:
    try:
        # Not only for this thread: the daemon reads all states in another, and has the connection afterwards.
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.text_factory = bytes  # a damaged text must not stop the reading of all others
            yield connection
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise translated(error) from error

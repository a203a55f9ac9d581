"""
How a state file gives back to the disk what forgotten states have left free in it.

SQLite keeps free pages for later. Where they are more than half of the file they are given back, a few at a time, so
that scrapes are answered in between. A file that an older exporter made cannot do that: it is rewritten as a whole,
which takes no longer than its smaller half, and can from then on.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

PAGES = 500
"""Given back in one step: some ten milliseconds."""


def shrink(connection: sqlite3.Connection) -> Iterator[None]:
    """
    Make the file smaller if more than half of it is free; each step is a transaction of its own.

    Raises:
        sqlite3.Error: It cannot be written. Nothing is lost.

    """
    if 2 * _number(connection, "freelist_count") <= _number(connection, "page_count"):
        return
    if not _number(connection, "auto_vacuum"):
        connection.execute("PRAGMA temp_store = MEMORY")  # the place for temporary files may be read-only
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        yield
    while _number(connection, "freelist_count"):
        with closing(connection.cursor()) as cursor:
            cursor.executescript(f"PRAGMA incremental_vacuum({PAGES})")  # `execute` would end after one page
        yield
    # Only a checkpoint makes the file itself smaller, and this one the log as well.
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])

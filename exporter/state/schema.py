"""
The tables of the state file, and how an older file becomes a current one.

A file says what it is by SQLite's two header numbers: `application_id` that it is ours, `user_version` which schema it
has. MIGRATIONS is the whole history: the n-th entry turns schema n into n + 1, and a new file takes the same way as an
old one. An entry that a release has shipped never changes. A file under its final name has a schema from its first
moment (`statefile.py`), so an empty one has lost what it held.
"""

import sqlite3
from collections.abc import Sequence

from exporter.state.errors import DamagedError, NewerSchemaError

APPLICATION_ID = 0x42434445
"""BCDE, for Braze CDI exporter."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # An ordinary rowid table: a row of 1 to 2 kB stays in its page, and a commit rewrites one page. `checksum`
        # covers names and record, whose bytes SQLite does not check; times and properties change without the record.
        """
        CREATE TABLE account (
            id INTEGER PRIMARY KEY,
            workspace TEXT NOT NULL,
            integration_id TEXT NOT NULL,
            heard_at INTEGER NOT NULL,
            expected_run_at INTEGER,
            properties TEXT,
            record BLOB NOT NULL,
            checksum INTEGER NOT NULL,
            UNIQUE (workspace, integration_id)
        )
        """,
        # Rows that could not be read, kept for a person to look at.
        """
        CREATE TABLE damaged_account (
            id INTEGER PRIMARY KEY,
            workspace, integration_id, heard_at, expected_run_at, properties, record, checksum,
            reason TEXT NOT NULL,
            found_at INTEGER NOT NULL
        )
        """,
    ),
    (
        # A state is more than its account: what the list and the polls have shown is kept as facts, and there
        # may be facts of an integration that has no ledger yet.
        """
        CREATE TABLE integration (
            id INTEGER PRIMARY KEY,
            workspace TEXT NOT NULL,
            integration_id TEXT NOT NULL,
            judged_at INTEGER,
            facts TEXT NOT NULL,
            ledger BLOB,
            checksum INTEGER NOT NULL,
            UNIQUE (workspace, integration_id)
        )
        """,
        """
        INSERT INTO integration (workspace, integration_id, judged_at, facts, ledger, checksum)
        SELECT workspace, integration_id, heard_at,
            '{"format":1,"expected_run_at":' || coalesce(expected_run_at, 'null')
            || ',"properties":' || coalesce(properties, 'null') || '}',
            record, checksum
        FROM account
        """,
        """
        CREATE TABLE damaged_integration (
            id INTEGER PRIMARY KEY,
            workspace, integration_id, judged_at, facts, ledger, checksum,
            reason TEXT NOT NULL,
            found_at INTEGER NOT NULL
        )
        """,
        """
        INSERT INTO damaged_integration
            (workspace, integration_id, judged_at, facts, ledger, checksum, reason, found_at)
        SELECT workspace, integration_id, heard_at, properties, record, checksum, reason, found_at FROM damaged_account
        """,
        "DROP TABLE account",
        "DROP TABLE damaged_account",
    ),
    (
        # The past of each integration, in parts (`pasts.py`): a counted sync adds a small row and rewrites none. How
        # far the history was read, and what was learned, stand apart from the syncs for the same reason.
        """
        CREATE TABLE past (
            id INTEGER PRIMARY KEY,
            workspace TEXT NOT NULL,
            integration_id TEXT NOT NULL,
            pages INTEGER NOT NULL DEFAULT 0,
            read_to INTEGER,
            cursor TEXT,
            done INTEGER NOT NULL DEFAULT 0,
            learned BLOB NOT NULL DEFAULT x'',
            learned_at INTEGER,
            UNIQUE (workspace, integration_id)
        )
        """,
        "CREATE TABLE past_part (id INTEGER PRIMARY KEY, past INTEGER NOT NULL, syncs BLOB NOT NULL)",
        "CREATE INDEX past_part_past ON past_part (past)",
    ),
)

Migrations = Sequence[Sequence[str]]


def check_schema(connection: sqlite3.Connection, migrations: Migrations = MIGRATIONS) -> int:
    """
    Return which schema the file has, 1 or more.

    Raises:
        DamagedError: It is empty, or not ours.
        NewerSchemaError: A newer exporter wrote it.
        sqlite3.Error: It cannot be read.

    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if owner != APPLICATION_ID:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        raise DamagedError("it is another program's SQLite database" if owner or version or tables else "it is empty")
    if version > len(migrations):
        raise NewerSchemaError(f"a newer exporter wrote it: schema {version}, this one knows up to {len(migrations)}")
    return version


def migrate(connection: sqlite3.Connection, migrations: Migrations = MIGRATIONS) -> None:
    """
    Bring the file to the latest schema in one transaction, or leave it as it is.

    Raises:
        DamagedError: It is empty, or not ours.
        NewerSchemaError: A newer exporter wrote it.
        sqlite3.Error: It cannot be read or written; the transaction ends with the connection.

    """
    _migrate(connection, check_schema(connection, migrations), migrations)


def create_schema(connection: sqlite3.Connection, migrations: Migrations = MIGRATIONS) -> None:
    """
    Bring a new, empty file to the latest schema.

    Raises:
        sqlite3.Error: It cannot be written.

    """
    _migrate(connection, 0, migrations)


def _migrate(connection: sqlite3.Connection, version: int, migrations: Migrations) -> None:
    if version == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    for statements in migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(migrations)}")
    connection.execute("COMMIT")

"""
What can be wrong with the state file.

    StateFileError
    +-- DamagedError       no state of ours can be had from it: it is set aside, and a new one begun
    +-- NewerSchemaError   a newer exporter's: never touched
    +-- UnusableError      the disk or its rights: may be well again later

No sqlite3.Error or OSError leaves `statefile.py`; each is translated here, once.
"""

import sqlite3


class StateFileError(Exception):
    """The text is the reason, for the log."""


class DamagedError(StateFileError):
    """No state of ours can be had from the file."""


class NewerSchemaError(StateFileError):
    """A newer exporter wrote the file."""


class UnusableError(StateFileError):
    """The file cannot be read or written now; that says nothing about what is in it."""


# SQLITE_ERROR is what a missing table or column gives: the file has our number but not our tables.
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
_PRIMARY = 0xFF
"""An extended result code has the primary one in its lowest byte."""


def translated(error: sqlite3.Error | OSError) -> StateFileError:
    """Return what *error* means for the state file."""
    if isinstance(error, OSError):
        return UnusableError(f"{error.strerror or error} ({error.filename})" if error.filename else str(error))
    # Errors that Python's module raises of its own have no code; they say nothing about the file.
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & _PRIMARY in _DAMAGE:
        return DamagedError(f"SQLite says: {error}")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return UnusableError(f"SQLite says: {error} ({name})")

"""
One exporter at a time on one storage path, by a lock on a file in it.

The kernel holds the lock for as long as the process lives, so neither kill -9 nor a crash leaves a stale one, and the
file itself stays: its presence means nothing. Does not know what the lock protects.
"""

import fcntl
import os
from pathlib import Path

LOCK_NAME = "state.lock"


class StorageInUseError(Exception):
    """Another exporter has the storage path; the text is one line for the person who started this one."""


class StorageLock:
    """A lock that is held from the moment it is made until `release`, or the end of the process."""

    def __init__(self, directory: Path) -> None:
        """
        Take the lock, without waiting for it.

        Raises:
            StorageInUseError: Another process holds it.
            OSError: The lock file cannot be opened, or the file system knows no locks.

        """
        self._path = directory / LOCK_NAME
        self._descriptor = _open(self._path)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise StorageInUseError(
                f"the storage path {directory} is in use by another exporter: stop it, or give this one a path of its"
                " own with --storage.path"
            ) from error
        except OSError:
            os.close(self._descriptor)
            raise

    def in_place(self) -> bool:
        """Whether others who look for the lock find this one; not when the directory was removed or replaced."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except OSError:
            return False

    def release(self) -> None:
        os.close(self._descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return os.open(path, os.O_RDONLY)  # on a read-only disk a lock file from before serves as well

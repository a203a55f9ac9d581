"""
Reading a small file that an operator named, and detecting that it has changed.

Directories and devices are not read, nor more bytes than the caller expects; a pipe, which may keep its reader waiting
and can be read once, only where the caller asks for it. A change is a change of content: touching a file, or swapping
a ConfigMap's links, is none. Knows nothing of what the content means, nor of timers.
"""

import hashlib
import os
import stat
from pathlib import Path

from exporter.config.errors import WrongValueError, show_file

MAX_CONFIG_BYTES = 10 * 2**20
"""Enough for 50,000 integrations with labels; a larger file is some other file."""

Signature = tuple[int, int, int, int, int]


def is_pipe(path: str) -> bool:
    """Whether *path* is a pipe, such as /dev/stdin may be. Never raises."""
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def read_small_file(path: str, *, most_bytes: int, pipe: bool = False) -> tuple[bytes, os.stat_result]:
    """
    Return the content of the file at *path*, and the status it had when it was opened.

    With *pipe*, one is read too, to its end.

    Raises:
        WrongValueError: It cannot be read or is larger than *most_bytes*. The text names neither path nor content.

    """
    opened = 0 if pipe else os.O_NONBLOCK
    try:
        if is_pipe(path) and not pipe:  # opening it would let its writer begin
            raise WrongValueError("is a pipe, which can be read only once", "name a regular file, or restart")
        # With an opener, `open` closes the descriptor again when it refuses a directory.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | opened)) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) and not (pipe and stat.S_ISFIFO(status.st_mode)):
                raise WrongValueError("is not a regular file", "name a regular file")
            content = stream.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        raise explain_os_error(error) from None
    if len(content) > most_bytes:
        raise WrongValueError(f"is larger than {most_bytes:,} bytes", "check that this is the right file")
    return content, status


def file_signature(status: os.stat_result) -> Signature:
    """
    Return a value that changes when a file is written or replaced, even when its modification time was set back.

    A file that is written twice within one tick of the file system's clock may keep its signature.
    """
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def about_file(path: str, error: WrongValueError) -> WrongValueError:
    """Return the error with the file's name in it, for a place that does not name the file itself."""
    return WrongValueError(f"{show_file(path)} {error.problem}", error.remedy)


def explain_os_error(error: OSError | ValueError) -> WrongValueError:
    """Return why a path could not be used; a ValueError other than our own stands for a name with a zero byte in it."""
    if isinstance(error, WrongValueError):
        return error
    if isinstance(error, FileNotFoundError):
        return WrongValueError("does not exist", "create it or correct the path")
    if isinstance(error, IsADirectoryError):
        return WrongValueError("is a directory", "name the file in it")
    if isinstance(error, OSError):
        return WrongValueError(f"cannot be read: {error.strerror}", "let the exporter's user read it")
    return WrongValueError("has no usable name", "correct the path")


_MISSES = 2
"""Consecutive checks that must find no readable file: an editor may be replacing it."""


class ConfigWatch:
    """Watches one file. Make it before the file is loaded, so that no change between the two is missed."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: bytes | None = None
        self._misses = 0
        self._latest: bytes | None = None
        self._signature: Signature | None = None
        self._settled = False
        """Whether the content was read at least twice with this signature, which one write may leave as it was."""
        self.changed()

    def changed(self) -> bool:
        """
        Whether the content differs from what it was at the last call. Never raises.

        A file that is gone, or cannot be read, is a change at the second look: then a reload says why.
        """
        if is_pipe(self._path):
            return False
        content = self._look()
        self._misses = 0 if content is not None else self._misses + 1
        if 0 < self._misses < _MISSES:
            return False
        before, self._known = self._known, content
        return content != before

    def _look(self) -> bytes | None:
        """Return a digest of the content as it is now; None when there is none."""
        try:
            signature = file_signature(Path(self._path).stat())
            if self._settled and signature == self._signature:
                return self._latest
            content, status = read_small_file(self._path, most_bytes=MAX_CONFIG_BYTES)
        except (OSError, ValueError):  # the latter: no regular file, too large, or a zero byte in the name
            self._signature = None
            return None
        signature = file_signature(status)
        self._settled = signature == self._signature
        self._signature = signature
        self._latest = hashlib.sha256(content).digest()
        return self._latest

"""
Where a workspace's API key comes from, and when it is read again.

Decides what can be a key at all and how a rotated key file is noticed. A key leaves this file only as the result of
`read`; no text here, no repr and no error holds it, and neither does the name of a file that looks like one. Must not
know what a key is good for.
"""

import os
import re
import stat
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from exporter.config.mistakes import WrongValueError, show_file
from exporter.domain.errors import AuthError

MAX_BYTES = 4096
"""Far more than any key of Braze's; a larger file is some other file."""
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
_Signature = tuple[int, int, int, int, int]


class KeySource(Protocol):
    """Gives the REST API key of one workspace."""

    def read(self) -> str:
        """
        Return the key as it is now, to be sent at once and not kept.

        Raises:
            AuthError: There is no usable key. The text names the file and the next step, never the content.

        """

    def reject(self) -> None:
        """Tell that Braze answered 401 to the newest key, so that it is read anew."""


class FixedKey:
    """A key from the configuration file or from the environment: it does not change while the process lives."""

    def __init__(self, text: str) -> None:
        """
        Take the key, without the white space around it.

        Raises:
            WrongValueError: It cannot be a key.

        """
        self._key = SecretStr(_clean(text))

    def __repr__(self) -> str:
        return "FixedKey(hidden)"

    def read(self) -> str:
        return self._key.get_secret_value()

    def reject(self) -> None:
        """Nothing else could be read; the next configuration brings a new key."""


class KeyFile:
    """A key in a file of its own, read again when the file changed and after a 401."""

    def __init__(self, path: str) -> None:
        """
        Read the file for the first time.

        Raises:
            WrongValueError: There is no usable key in it.

        """
        self._path = path
        self._signature, self._key = _read_file(path)
        self._rejected = False

    def __repr__(self) -> str:
        return f"KeyFile({show_file(self._path)})"

    def read(self) -> str:
        try:
            if self._rejected or _signature(Path(self._path).stat()) != self._signature:
                self._signature, self._key = _read_file(self._path)
                self._rejected = False
        except OSError as error:
            raise AuthError(str(_unreadable(self._path, error))) from None
        except WrongValueError as error:
            raise AuthError(str(error)) from None
        return self._key.get_secret_value()

    def reject(self) -> None:
        # A rewrite within one tick of the file system's clock leaves the signature as it was.
        self._rejected = True


def _read_file(path: str) -> tuple[_Signature, SecretStr]:
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to must not hang the poll loops.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise WrongValueError(
                    f"{show_file(path)} is not a regular file", "name a file that holds the key alone"
                )
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    if len(raw) > MAX_BYTES:
        raise WrongValueError(
            f"{show_file(path)} is larger than {MAX_BYTES} bytes", "name a file that holds the key alone"
        )
    try:
        return _signature(status), SecretStr(_clean(raw.decode("utf-8-sig", errors="replace")))
    except WrongValueError as error:
        raise WrongValueError(f"{show_file(path)} {error.problem}", error.remedy) from None


def _signature(status: os.stat_result) -> _Signature:
    """What differs once a file was written or replaced; the change time tells even when the other time was set back."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _unreadable(path: str, error: OSError) -> WrongValueError:
    if isinstance(error, FileNotFoundError):
        return WrongValueError(
            f"{show_file(path)} does not exist", "write the REST API key into it, or correct the path"
        )
    return WrongValueError(f"{show_file(path)} cannot be read: {error.strerror}", "let the exporter's user read it")


def _clean(text: str) -> str:
    """Return the key in *text*, or say why it is none, without quoting it."""
    key = text.strip()
    if not key:
        raise WrongValueError("is empty", "the REST API key belongs there")
    if key.startswith("$"):
        raise WrongValueError(
            "holds a variable, and variables are not expanded", "name the variable by api_key_env instead"
        )
    if not _HEADER_SAFE.fullmatch(key):
        raise WrongValueError(
            "holds white space, control or other characters that no key has", "the REST API key alone belongs there"
        )
    return key

"""
Where a workspace's API key comes from, and when it is read again.

Decides what can be a key at all, and that a file's is read at every use. A key leaves this file only as the result of
`read`; no text here, no repr and no error contains it, nor the name of a file that looks like one. Knows nothing of a
key's use.
"""

import re
from typing import Protocol

from pydantic import SecretStr

from exporter.config.errors import WrongValueError, may_be_key, show_file
from exporter.config.files import about_file, read_small_file
from exporter.domain.errors import AuthError

MAX_BYTES = 4096
"""Far more than any key of Braze's; a larger file is some other file."""
HIDDEN = "<secret>"
"""Replaces a key, or a name that may be one."""
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")


class KeySource(Protocol):
    """Gives the REST API key of one workspace."""

    @property
    def setting(self) -> tuple[str, str]:
        """The key of the configuration that names this source, and its value there, which is never the API key."""

    def read(self) -> str:
        """
        Return the key as it is now, to be sent at once and not kept.

        Raises:
            AuthError: There is no usable key. The text names the file and the next step, never the content.

        """


class FixedKey:
    """A key from the configuration file or from the environment: it does not change while the process lives."""

    def __init__(self, text: str, *, variable: str | None = None) -> None:
        """
        Take the key, without the white space around it, and the name of the variable that it comes from, if any.

        Raises:
            WrongValueError: It cannot be a key.

        """
        self._key = SecretStr(_clean(text))
        self._variable = variable

    def __repr__(self) -> str:
        return "FixedKey(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FixedKey) and (self._key, self._variable) == (other._key, other._variable)

    __hash__ = None  # type: ignore[assignment]  # nobody puts keys into sets

    @property
    def setting(self) -> tuple[str, str]:
        return ("api_key", HIDDEN) if self._variable is None else ("api_key_env", _without_keys(self._variable))

    def read(self) -> str:
        return self._key.get_secret_value()


class KeyFile:
    """A key in a file of its own, read at every use: it is small, and a change is in effect at once."""

    def __init__(self, path: str, *, named: str | None = None) -> None:
        """
        Read the file for the first time; *named* is its path as the configuration has it.

        Raises:
            WrongValueError: There is no usable key in it.

        """
        self._path = path
        self._named = path if named is None else named
        _read_file(path)

    def __repr__(self) -> str:
        return f"KeyFile({show_file(self._path)})"

    def __eq__(self, other: object) -> bool:
        """Whether it is the same file, whose content may differ; `setting` may be hidden, and does not tell."""
        return isinstance(other, KeyFile) and (self._path, self._named) == (other._path, other._named)

    __hash__ = None  # type: ignore[assignment]  # as above

    @property
    def setting(self) -> tuple[str, str]:
        return "api_key_file", _without_keys(self._named)

    def read(self) -> str:
        try:
            return _read_file(self._path)
        except WrongValueError as error:
            raise AuthError(str(error)) from None


def _without_keys(name: str) -> str:
    return HIDDEN if may_be_key(name) else name


def _read_file(path: str) -> str:
    try:
        content, _ = read_small_file(path, most_bytes=MAX_BYTES)
        return _clean(content.decode("utf-8-sig", errors="replace"))
    except WrongValueError as error:
        raise about_file(path, error) from None


def _clean(text: str) -> str:
    """Return the key in *text*; the error for one that is not valid does not quote it."""
    key = text.strip()
    if not key:
        raise WrongValueError("is empty", "the REST API key belongs there")
    if key.startswith("$"):
        raise WrongValueError(
            "contains a variable, and variables are not expanded", "name the variable by api_key_env instead"
        )
    if not _HEADER_SAFE.fullmatch(key):
        raise WrongValueError(
            "contains white space, control or other characters that no key has", "the REST API key alone belongs there"
        )
    return key

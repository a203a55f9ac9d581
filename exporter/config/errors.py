"""
The errors of a configuration file, each with its place and its remedy.

Decides how an error is worded as one line, and which texts from the file it may contain. A value from the file is never
quoted: it may be an API key in the wrong place. Names of keys and files are shown only when they cannot be an API key.
Knows neither YAML nor the schema.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_NAME = re.compile(r"<<|[A-Za-z0-9_][A-Za-z0-9_-]{0,31}")
# Braze's keys are UUIDs; beside those, anything long without a dot that is rich in digits.
_KEY_LIKE = re.compile(
    r"[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}|^(?=(?:.*[0-9]){4})[0-9A-Za-z_=-]{24,}$"
)
_HIDDEN = "<not shown>"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error in a configuration file. *line* counts from 1; None for the file as a whole."""

    file: str
    line: int | None
    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        return f"{place}:{key} {self.problem} ({self.remedy})"


class ConfigError(Exception):
    """The configuration cannot be used. *errors* holds every error, in the order of the file; at least one."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: error.line or 0))
        super().__init__("\n".join(map(str, self.errors)))


class WrongValueError(ValueError):
    """A single value cannot be used; the caller, which knows its place, turns it into a FieldError or an AuthError."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem} ({remedy})")


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the remedy that names the known word closest to *word*, or None when nothing is close."""
    if len(word) > 40:  # noqa: PLR2004 - no word of ours comes near; keeps the comparison cheap
        return None
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None


def show_key(path: Iterable[str | int]) -> str:
    """Return the path of a key as `workspaces[0].name`; a name that could be an API key is left out."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        else:
            shown += ("." if shown else "") + (
                step if _NAME.fullmatch(step) and not _KEY_LIKE.search(step) else _HIDDEN
            )
    return shown


def show_file(path: str) -> str:
    """Return the words for a file that the configuration names; not its name when that looks like an API key."""
    return "the file named here" if may_be_key(path) else f"the file {path}"


def may_be_key(text: str) -> bool:
    """Whether *text*, the name of a file or of a variable, or a part of it could be an API key."""
    return any(map(_KEY_LIKE.search, text.split("/")))

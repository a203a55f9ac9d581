"""
Regular expressions that match in time linear in the text, whatever it is: all ways are followed at once.

Thompson's construction over a subset of Python's syntax, in which each expression matches what `re` says. Python's own
matcher tries one way after another, which a hostile name can make take for ever. Decides which syntax is taken; `re`
decides what a single character or place in the text is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import NoReturn

MAX_STEPS = 1000
"""A name costs at most this many tests for each of its characters."""
_MAX_DEPTH = 50
_IGNORE_CASE = "(?i)"
_TOKEN = re.compile(
    r"""\[\^?+\]?+(?:\\.|[^]\\])*+\]                                # a class
    |\\(?:x.{2}|u.{4}|U.{8}|.)
    |\((?:\?(?::|P<\w++>|[^:]))?+
    |(?:[*+?]|\{(?:[0-9]++(?:,[0-9]*+)?+|,[0-9]*+)\})[?+]?+         # a repeat, lazy or possessive
    |.""",
    re.VERBOSE | re.DOTALL,
)
_COUNTS = re.compile(r"\{([0-9]*+)(,?+)([0-9]*+)\}")
_FEW = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_PLACES = frozenset({"^", "$", r"\A", r"\Z", r"\z", r"\b", r"\B"})
_GROUPS = frozenset({"(", "(?:"})
_NUMBERED_OR_NAMED = frozenset("0123456789N")

_Build = Callable[[int], int]
"""Adds the steps of a part, which go on to the given one, and returns the first of them."""


class UnsupportedError(ValueError):
    """The expression is one of Python's, but not of the subset."""


@dataclass(slots=True)
class _Step:
    test: re.Pattern[str] | None
    """For a place in the text; None where nothing is asked."""
    takes_one: bool
    then: tuple[int, ...]


class Expression:
    """
    An expression, found anywhere in a text. Equal to one of the same text.

    Args:
        text: Of an expression that `re.compile` takes.

    Raises:
        UnsupportedError: It is not of the subset.

    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._flags = re.IGNORECASE if text.startswith(_IGNORE_CASE) else re.NOFLAG
        self._tokens = list(_TOKEN.finditer(text, len(_IGNORE_CASE) if self._flags else 0))[::-1]
        self._steps: list[_Step] = []
        self._end = self._add()
        self._start = self._alternatives(0)(self._end)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def search(self, text: str) -> bool:
        """Whether it matches anywhere in *text*."""
        reached: set[int] = set()
        for place in range(len(text) + 1):
            reached = self._reach({self._start, *reached}, text, place)
            if self._end in reached:
                return True
            steps = [self._steps[each] for each in reached]
            reached = {step.then[0] for step in steps if step.takes_one and step.test and step.test.match(text, place)}
        return False

    def _reach(self, steps: set[int], text: str, place: int) -> set[int]:
        """Return *steps* with all that follow without taking a character."""
        waiting = list(steps)
        while waiting:
            step = self._steps[waiting.pop()]
            if not step.takes_one and (step.test is None or step.test.match(text, place)):
                new = set(step.then) - steps
                steps |= new
                waiting += new
        return steps

    def _add(self, *then: int, test: re.Pattern[str] | None = None, takes_one: bool = False) -> int:
        if len(self._steps) > MAX_STEPS:
            raise UnsupportedError(f"needs more than {MAX_STEPS} steps once its counts are written out")
        self._steps.append(_Step(test, takes_one, then))
        return len(self._steps) - 1

    def _alternatives(self, depth: int) -> _Build:
        """Read up to the end of a group."""
        options: list[list[_Build]] = [[]]
        while self._tokens and self._tokens[-1][0] != ")":
            if self._tokens[-1][0] == "|":
                self._tokens.pop()
                options.append([])
            else:
                options[-1].append(self._repeated(self._single(depth)))

        def build(after: int) -> int:
            return self._add(*(reduce(lambda then, part: part(then), option[::-1], after) for option in options))

        return build

    def _single(self, depth: int) -> _Build:
        token = self._tokens.pop()
        text = token[0]
        if text in _GROUPS or text.startswith("(?P<"):
            if depth == _MAX_DEPTH:
                self._refuse(token, "a group too deep in others")
            group = self._alternatives(depth + 1)
            self._tokens.pop()  # the closing parenthesis
            return group
        if text.startswith("("):
            self._refuse(token, "a look-around, flag, comment, or group of another kind")
        if text[0] == "\\" and text[1] in _NUMBERED_OR_NAMED:
            self._refuse(token, "a backreference, or a character by its number or name")
        test, takes_one = re.compile(text, self._flags), text not in _PLACES
        return lambda after: self._add(after, test=test, takes_one=takes_one)

    def _repeated(self, part: _Build) -> _Build:
        """Read the repeat, if there is one, of the part just read."""
        token = self._tokens[-1] if self._tokens else None
        if token is None or not (token[0][0] in _FEW or _COUNTS.match(token[0])):
            return part
        self._tokens.pop()
        if token[0][1:].endswith("+"):
            self._refuse(token, "a possessive repeat")
        if counts := _COUNTS.match(token[0]):
            least = int(counts[1] or 0)
            most = least if not counts[2] else int(counts[3]) if counts[3] else None
        else:
            least, most = _FEW[token[0][0]]

        def build(after: int) -> int:
            if most is None:
                loop = after = self._add(after)
                self._steps[loop].then += (part(loop),)
            for _ in range((most or least) - least):
                after = self._add(part(after), after)
            for _ in range(least):
                after = part(after)
            return after

        return build

    def _refuse(self, token: re.Match[str], what: str) -> NoReturn:
        raise UnsupportedError(f"contains {what}, at its character {token.start() + 1}")

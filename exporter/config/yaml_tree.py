"""
The value of one YAML document, built from the parser's events, with the line of everything in it.

Decides how deep and repetitive a file may be, and the YAML it may use: mappings, lists and plain values; aliases and
merge keys are followed, tags are errors; keys are always text, as written. Works without recursion, not on the YAML
library's node tree: a file nested a million deep or an alias bomb costs nothing. Knows neither files nor a schema.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from exporter.config.errors import ConfigError, FieldError, show_key

MAX_DEPTH = 20
MAX_VALUES = 2_000_000
"""Keys and values in the file; an alias counts as everything it refers to."""


class Mapping(dict[str, Any]):
    """A mapping with the *line* where it begins and the line of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.key_lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A list with the line where each item begins."""

    def __init__(self) -> None:
        super().__init__()
        self.item_lines: list[int] = []


class Unfit:
    """Stands for a plain value that is neither text nor number nor true nor false, such as a date."""

    def __init__(self, words: str) -> None:
        self.words = words


_MERGE = "<<"
_TAG = "tag:yaml.org,2002:"
_resolver = yaml.resolver.Resolver()
_constructor = yaml.constructor.SafeConstructor()
_CONSTRUCTORS = {
    _TAG + "int": _constructor.construct_yaml_int,
    _TAG + "float": _constructor.construct_yaml_float,
    _TAG + "bool": _constructor.construct_yaml_bool,
    _TAG + "null": lambda _node: None,
    _TAG + "timestamp": lambda _node: Unfit("a date"),
}


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    value: Mapping | Sequence
    anchor: str | None
    values_before: int
    key: str = ""
    expects_key: bool = False
    skip_value: bool = False
    """The next value belongs to a key that is an error."""
    merge_line: int = 0
    """Of the merge key; 0 without one."""
    merged: Any = None
    """The value of the merge key. What it holds is complete only at the end."""


@dataclass(slots=True)
class TreeBuilder:
    """Builds the value of one document. Errors that do not end the reading are collected in *errors*."""

    file: str
    errors: list[FieldError] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int] | None] = field(default_factory=dict)
    """The value of each anchor and its number of values; None until its end."""
    _values: int = 0
    _stack: list[_Open] = field(default_factory=list)

    def build(self, events: Iterable[Any]) -> Any:
        """Return the value of the events, None for an empty file; raise ConfigError where they cannot be followed."""
        content: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.CollectionEndEvent):
                self._close()
            elif isinstance(event, yaml.NodeEvent):
                line = _line(event)
                top = self._stack[-1] if self._stack else None
                if top is not None and top.expects_key:
                    self._begin_key(top, event, line)
                    continue
                value = self._value(event, line)
                if top is None:
                    content = value
                else:
                    _put(top, value, line)
                if isinstance(value, Mapping | Sequence) and isinstance(event, yaml.CollectionStartEvent):
                    self._open(value, event.anchor)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._end(_line(event), "a second document begins here", "remove the `---`")
        return content

    def _open(self, value: Mapping | Sequence, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = None
        self._stack.append(_Open(value, anchor, self._values, expects_key=isinstance(value, Mapping)))

    def _close(self) -> None:
        closed = self._stack[-1]
        if isinstance(closed.value, Mapping) and closed.merge_line:
            self._merge(closed.value, closed.merged, closed.merge_line)
        self._stack.pop()
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.value, self._values - closed.values_before)

    def _merge(self, into: Mapping, merged: Any, line: int) -> None:
        """Add what *merged* has and *into* has not. It has been counted where it was read."""
        for source in merged if isinstance(merged, Sequence) else [merged]:
            if not isinstance(source, Mapping):
                problem = "a merge key (`<<`) takes a mapping or a list of mappings"
                self._note(line, problem, "write for example `<<: *defaults`")
                return
            for key, value in source.items():
                if key not in into:
                    into[key], into.key_lines[key] = value, source.key_lines[key]

    def _begin_key(self, top: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._end(line, "a key must be plain text", "put a value that begins with `{`, `[` or `*` in quotes")
        self._count(1, line)
        key, lines = event.value, top.value.key_lines if isinstance(top.value, Mapping) else {}
        top.key, top.expects_key, top.skip_value = key, False, False
        if key in lines:
            top.skip_value = True
            self._note(line, "this key is given twice", f"keep one of them; the first is on line {lines[key]}")
        else:
            lines[key] = line
            if key == _MERGE and event.implicit[0]:
                top.merge_line = line

    def _value(self, event: Any, line: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(str(event.anchor), line)
        self._count(1, line)
        tag = event.tag
        if tag not in (None, "!", _TAG + "str", _TAG + "map", _TAG + "seq"):
            self._note(line, "tags (`!`) are not followed", "remove it, or put the value in quotes")
        if isinstance(event, yaml.CollectionStartEvent) and len(self._stack) >= MAX_DEPTH:
            raise self._end(line, f"nested deeper than {MAX_DEPTH} levels", "check the indentation and the brackets")
        if isinstance(event, yaml.MappingStartEvent):
            return Mapping(line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence()
        value = _plain_value(event.value) if tag is None and event.implicit[0] else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        return value

    def _aliased(self, anchor: str, line: int) -> Any:
        if anchor not in self._anchors:
            raise self._end(
                line, "this alias (`*`) has no anchor (`&`) before it", "put a value that begins with `*` in quotes"
            )
        if (known := self._anchors[anchor]) is None:
            raise self._end(line, "this alias (`*`) is inside its own anchor", "write the value out")
        self._count(known[1], line)
        return known[0]

    def _count(self, values: int, line: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._end(line, f"there are more than {MAX_VALUES:,} values up to here", "use fewer aliases (`*`)")

    def _note(self, line: int, problem: str, remedy: str) -> None:
        self.errors.append(FieldError(self.file, line, self._path(), problem, remedy))

    def _end(self, line: int, problem: str, remedy: str) -> ConfigError:
        return ConfigError([*self.errors, FieldError(self.file, line, self._path(), problem, remedy)])

    def _path(self) -> str:
        """The place that is being read, as far as it is known."""
        steps: list[str | int] = []
        for opened in self._stack:
            if isinstance(opened.value, Sequence):
                # An item is put into its list when it opens, so that only the last list is one short.
                steps.append(len(opened.value) - (opened is not self._stack[-1]))
            elif not opened.expects_key or opened is not self._stack[-1]:
                steps.append(opened.key)
        return show_key(steps)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _put(top: _Open, value: Any, line: int) -> None:
    if isinstance(top.value, Sequence):
        top.value.append(value)
        top.value.item_lines.append(line)
        return
    if top.key == _MERGE and top.merge_line and not top.skip_value:
        top.merged = value
    elif not top.skip_value:
        top.value[top.key] = value
    top.expects_key = True


def _plain_value(text: str) -> Any:
    """Return the number, truth or text that an unquoted value stands for by YAML 1.1."""
    tag = _resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    construct = _CONSTRUCTORS.get(tag)
    if construct is None:
        return text
    try:
        return construct(yaml.ScalarNode(tag, text))  # type: ignore[no-untyped-call]
    except ValueError:  # 0x_, or more digits than Python reads
        return Unfit("a number that cannot be read")

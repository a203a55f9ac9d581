"""
From YAML events to plain values that remember their lines.

Decides how deep and how repetitive a file may be, and what of YAML is understood: one document of mappings, lists and
plain values; aliases are followed, merge keys and tags are mistakes; keys are always text, as written. Works on the
parser's events and without recursion, not on the YAML library's node tree: a file nested a million deep or an alias
bomb costs nothing. Must not know the schema, and never quotes the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from exporter.config.mistakes import ConfigError, Mistake, show_key

MAX_DEPTH = 20
MAX_VALUES = 2_000_000
"""Keys and values in the file, each alias counted as all that it stands for."""


class Mapping(dict[str, Any]):
    """A mapping that knows on which *line* it begins and on which line each key stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.key_lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A list that knows on which line each item begins."""

    def __init__(self) -> None:
        super().__init__()
        self.item_lines: list[int] = []


class Unfit:
    """Stands for a plain value that is neither text nor number nor true nor false, such as a date."""

    def __init__(self, words: str) -> None:
        self.words = words


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
    """In a mapping: the newest key."""
    expects_key: bool = False
    skip_value: bool = False
    """The next value belongs to a key that is a mistake."""


@dataclass(slots=True)
class TreeBuilder:
    """Builds the value of one document. Mistakes that do not end the reading gather in *mistakes*."""

    file: str
    mistakes: list[Mistake] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int] | None] = field(default_factory=dict)
    """What each anchor stands for and how many values that is; None while its end has not come."""
    _values: int = 0
    _stack: list[_Open] = field(default_factory=list)

    def build(self, events: Iterable[Any]) -> Any:
        """
        Return the value that the events describe; None for an empty file.

        Raises:
            ConfigError: The events describe something that cannot be followed further.

        """
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
        closed = self._stack.pop()
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.value, self._values - closed.values_before)

    def _begin_key(self, top: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._end(line, "a key must be plain text", "put a value that begins with `{`, `[` or `*` in quotes")
        self._count(1, line)
        key, lines = event.value, top.value.key_lines if isinstance(top.value, Mapping) else {}
        top.key, top.expects_key, top.skip_value = key, False, False
        if key in lines:
            top.skip_value = True
            self._note(line, "this key is given twice", f"keep one of them; the first is in line {lines[key]}")
        elif key == "<<" and event.implicit[0]:
            top.skip_value = True
            self._note(line, "merge keys (`<<`) are not followed", "write the keys out")
        else:
            lines[key] = line

    def _value(self, event: Any, line: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(str(event.anchor), line)
        self._count(1, line)
        tag = event.tag
        if tag not in (None, "!", _TAG + "str", _TAG + "map", _TAG + "seq"):
            self._note(line, "tags (`!`) are not followed", "remove it, or put the value in quotes")
        if isinstance(event, yaml.CollectionStartEvent) and len(self._stack) >= MAX_DEPTH:
            problem = f"this is nested deeper than {MAX_DEPTH} levels"
            raise self._end(line, problem, "check the indentation and the brackets")
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
        known = self._anchors[anchor]
        if known is None:
            raise self._end(line, "this alias (`*`) stands inside of what it names", "write the value out")
        value, size = known
        self._count(size, line)
        return value

    def _count(self, values: int, line: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._end(line, f"there are more than {MAX_VALUES:,} values up to here", "use fewer aliases (`*`)")

    def _note(self, line: int, problem: str, remedy: str) -> None:
        self.mistakes.append(Mistake(self.file, line, self._path(), problem, remedy))

    def _end(self, line: int, problem: str, remedy: str) -> ConfigError:
        return ConfigError([*self.mistakes, Mistake(self.file, line, self._path(), problem, remedy)])

    def _path(self) -> str:
        """The place that is being read, as far as it is known."""
        steps: list[str | int] = []
        for opened in self._stack:
            if isinstance(opened.value, Sequence):
                # An item is put into its list when it opens, so that only the newest list is one short.
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
    if not top.skip_value:
        top.value[top.key] = value
    top.expects_key = True


def _plain_value(text: str) -> Any:
    """Return the number, truth or text that an unquoted value stands for by YAML 1.1."""
    # PyYAML's stubs leave the types out here.
    tag = _resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    construct = _CONSTRUCTORS.get(tag)
    if construct is None:
        return text
    try:
        return construct(yaml.ScalarNode(tag, text))  # type: ignore[no-untyped-call]
    except ValueError:  # 0x_, or more digits than Python reads
        return Unfit("a number that cannot be read")

"""
The configuration file as plain values that remember their lines.

Decides how large, deep and repetitive a file may be, and the YAML it may use: one document of mappings, lists and plain
values; aliases are followed, merge keys and tags are errors; keys are always text, as written. Works on the parser's
events without recursion, not on the YAML library's node tree: a file nested a million deep or an alias bomb costs
nothing. Messages never quote the file or the library's own words, which may hold an API key. Knows no schema.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from exporter.config.errors import ConfigError, FieldError, WrongValueError, show_key
from exporter.config.files import MAX_CONFIG_BYTES, read_small_file

try:  # the C parser is about eight times faster; not every build of PyYAML has it
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - depends on how PyYAML was built
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

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


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOCUMENT_STARTS = re.compile("^---[ \t\r]*$", re.MULTILINE)
_LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_SYNTAX = {
    "mapping values are": ("a colon is not expected here", "check the indentation, and quote text with ': '"),
    "cannot start any": ("no value begins with this character", "indent by spaces, not tabs, and quote the value"),
    "an indentation space is expected": ("a tab stands where spaces are expected", "indent by spaces"),
    "found unexpected end of stream": ("a quote is never closed", "add the missing quote"),
    "expected ',' or": ("a bracket or brace is never closed", "add the missing comma, bracket or brace"),
    "could not find expected ':'": ("a key lacks its colon", "write `key: value`, with a space after the colon"),
    "did not find expected key": ("a key is expected here", "check the quotes, and the indentation here and above"),
    "expected '-' indicator": ("an item of a list is expected here", "check the indentation and the '- ' of each item"),
    "unknown escape character": ("a backslash in double quotes begins no known escape", "use single quotes"),
}
"""A part of the parser's words, and the problem and remedy shown. Anything else gets a general one."""
_BEGAN_EARLIER = ("found unexpected end of stream", "expected ',' or", "could not find expected ':'")
_OTHER_SYNTAX = ("this is not YAML", "check the indentation, the colons and the quotes around this line")

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
    if not top.skip_value:
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


@dataclass(frozen=True, slots=True)
class Document:
    """The file's content, with the errors that did not prevent reading it."""

    file: str
    content: Any
    errors: tuple[FieldError, ...] = ()

    def line_of(self, path: tuple[str | int, ...]) -> int:
        """Return the line of the key or item at *path*; of the nearest thing around it where it does not exist."""
        here, line = self.content, 1
        for step in path:
            if isinstance(here, Mapping) and isinstance(step, str):
                line, here = here.key_lines.get(step, here.line), here.get(step)
            elif isinstance(here, Sequence) and isinstance(step, int):
                line, here = here.item_lines[step], here[step]
        return line

    def error_at(self, path: tuple[str | int, ...], problem: str, remedy: str) -> FieldError:
        """Return an error at *path*."""
        return FieldError(self.file, self.line_of(path), show_key(path), problem, remedy)


def read_document(file: str, *, pipe: bool = False, last: bool = False) -> Document:
    """
    Read and parse *file*; with *pipe*, it may be one; with *last*, only what follows its last line `---`.

    Raises:
        ConfigError: It cannot be read, is too large, or is not YAML.

    """
    text = _read_text(file, pipe=pipe)
    text = _DOCUMENT_STARTS.split(text)[-1] if last else text
    if unprintable := _UNPRINTABLE.search(text):
        line = 1 + len(_LINE_ENDS.findall(text, 0, unprintable.start()))
        raise ConfigError([FieldError(file, line, "", "a control character stands here", "remove it")])
    builder = TreeBuilder(file)
    try:
        content = builder.build(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise ConfigError([*builder.errors, _syntax_error(file, error)]) from None
    return Document(file, content, tuple(builder.errors))


def _read_text(file: str, *, pipe: bool) -> str:
    try:
        raw, _ = read_small_file(file, most_bytes=MAX_CONFIG_BYTES, pipe=pipe)
    except WrongValueError as error:
        raise ConfigError([FieldError(file, None, "", error.problem, error.remedy)]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + raw.count(b"\n", 0, error.start)
        raise ConfigError([FieldError(file, line, "", "this is not UTF-8", "save the file as UTF-8")]) from None


def _syntax_error(file: str, error: yaml.YAMLError) -> FieldError:
    said = getattr(error, "problem", None) or ""
    known = next((words for part, words in _SYNTAX.items() if part in said), _OTHER_SYNTAX)
    # An unclosed quote or bracket is detected at the end of the file; the context is where it begins.
    began = getattr(error, "context_mark", None) if any(part in said for part in _BEGAN_EARLIER) else None
    mark = began or getattr(error, "problem_mark", None)
    return FieldError(file, mark.line + 1 if mark else None, "", *known)

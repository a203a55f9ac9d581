"""
The configuration file as plain values that remember their lines.

Decides how large a file may be, and the words for what is not YAML: messages never quote the file or the library's own
words, which may hold an API key. `yaml_tree.py` says which YAML it may use. Knows no schema.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from exporter.config.errors import ConfigError, FieldError, WrongValueError, show_key
from exporter.config.files import MAX_CONFIG_BYTES, read_small_file
from exporter.config.yaml_tree import Mapping, Sequence, TreeBuilder

try:  # the C parser is about eight times faster; not every build of PyYAML has it
    from yaml import CSafeLoader as _Loader
except ImportError:  # pragma: no cover - depends on how PyYAML was built
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOCUMENT_STARTS = re.compile("^---[ \t\r]*$", re.MULTILINE)
_LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_SYNTAX = {
    "mapping values are": ("a colon is not expected here", "check the indentation, and quote text with ': '"),
    "cannot start any": ("no value begins with this character", "indent by spaces, not tabs, and quote the value"),
    "an indentation space is expected": ("there is a tab where spaces are expected", "indent by spaces"),
    "found unexpected end of stream": ("a quote is never closed", "add the missing quote"),
    "expected ',' or": ("a bracket or brace is never closed", "add the missing comma, bracket or brace"),
    "could not find expected ':'": ("a key has no colon", "write `key: value`, with a space after the colon"),
    "did not find expected key": ("a key is expected here", "check the quotes, and the indentation here and above"),
    "expected '-' indicator": ("an item of a list is expected here", "check the indentation and the '- ' of each item"),
    "unknown escape character": ("a backslash in double quotes begins no known escape", "use single quotes"),
}
"""A part of the parser's words, and the problem and remedy shown. Anything else gets a general one."""
_BEGAN_EARLIER = ("found unexpected end of stream", "expected ',' or", "could not find expected ':'")
_OTHER_SYNTAX = ("this is not YAML", "check the indentation, the colons and the quotes around this line")


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
        raise ConfigError([FieldError(file, line, "", "there is a control character here", "remove it")])
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

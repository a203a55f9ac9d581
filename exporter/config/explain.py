"""
The findings of pydantic in the words of an operator: problem and remedy instead of error types.

Decides the wording alone. Pydantic's own messages are not used: they name Python types and may quote the input. A kind
of error that is not in the tables gets a general answer, so a new pydantic cannot make the loader fail.
"""

from collections.abc import Callable, Iterable
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.config.errors import WrongValueError, did_you_mean
from exporter.config.schema import Section
from exporter.config.yaml_tree import Unfit

KeyPath = tuple[str | int, ...]
Finding = tuple[KeyPath, str, str]
"""The path of a key, the problem with it, and the remedy."""
_Root = type[Section]
_Words = Callable[[ErrorDetails, KeyPath, _Root], tuple[str, str]]


def explain(error: ValidationError, root: _Root) -> Iterable[Finding]:
    """Return a finding for everything that pydantic found in a file whose schema is *root*."""
    for detail in error.errors(include_url=False):
        # Pydantic marks an error about a mapping's key, instead of its value, by one more step. An unknown key that
        # is called so itself gets no mark.
        marked = detail["loc"][-1:] == ("[key]",) and detail["type"] != "extra_forbidden"
        path = detail["loc"][:-1] if marked else detail["loc"]
        words = _WORDS.get(detail["type"], _unforeseen)
        yield path, *words(detail, path, root)


def _unknown_key(_detail: ErrorDetails, path: KeyPath, root: _Root) -> tuple[str, str]:
    section, name = _section_at(path[:-1], root), str(path[-1])
    if name in section.unsupported:
        return "is not supported", section.unsupported[name]
    known = section.model_fields
    return "is not a known key", did_you_mean(name, known) or f"known here: {', '.join(known)}"


def _missing(_detail: ErrorDetails, path: KeyPath, root: _Root) -> tuple[str, str]:
    return "is missing", _example(path, root)


def _own(detail: ErrorDetails, path: KeyPath, root: _Root) -> tuple[str, str]:
    cause = detail["ctx"]["error"]
    return (cause.problem, cause.remedy) if isinstance(cause, WrongValueError) else _unforeseen(detail, path, root)


def _empty_list(_detail: ErrorDetails, _path: KeyPath, _root: _Root) -> tuple[str, str]:
    return "is an empty list", "add an item"


def _unforeseen(_detail: ErrorDetails, path: KeyPath, root: _Root) -> tuple[str, str]:
    return "cannot be used", _example(path, root)


def _bound(words: str, name: str) -> _Words:
    def bound(detail: ErrorDetails, path: KeyPath, root: _Root) -> tuple[str, str]:
        return f"must be {words} {detail['ctx'][name]:,}".removesuffix(".0"), _example(path, root)

    return bound


def _wanted(wanted: str) -> _Words:
    def wrong_type(detail: ErrorDetails, path: KeyPath, root: _Root) -> tuple[str, str]:
        value = detail["input"]
        if value is None:
            return (
                ("has no value", _example(path, root)) if path else ("the file is empty", f"begin with {root.shown_in}")
            )
        problem = f"must be {wanted}, not {_describe(value)}"
        if wanted == "text" and not isinstance(value, dict | list):
            return problem, "put it in quotes"
        if wanted.endswith("number") and isinstance(value, str):
            return problem, "write the number alone, without quotes or unit"
        return problem, _SHAPES.get(wanted) or _example(path, root)

    return wrong_type


_SHAPES = {"a list": "begin each item with `- `", "a mapping": "write `key: value`"}
_WORDS: dict[str, _Words] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "value_error": _own,
    "too_short": _empty_list,
    "string_type": _wanted("text"),
    "bool_type": _wanted("true or false"),
    "int_type": _wanted("a whole number"),
    "float_type": _wanted("a number"),
    "list_type": _wanted("a list"),
    "dict_type": _wanted("a mapping"),
    "model_type": _wanted("a mapping"),
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
}
"""How each kind of pydantic's errors is worded."""


def _describe(value: Any) -> str:
    if isinstance(value, Unfit):
        return value.words
    words = {bool: "true or false", int: "a number", float: "a number with a point", str: "text"}
    return words.get(type(value), "a mapping" if isinstance(value, dict) else "a list")


def _example(path: KeyPath, root: _Root) -> str:
    """Return the remedy that shows how the key at *path* is written."""
    field = _section_at(path[:-1], root).model_fields.get(str(path[-1])) if path else None
    if field is not None and field.examples:
        return f"write for example `{path[-1]}: {field.examples[0]}`"
    return f"write a value, as {root.shown_in} shows"


def _section_at(path: KeyPath, root: _Root) -> type[Section]:
    section = root
    for step in path:
        if isinstance(step, str) and step in section.model_fields:
            section = _section_in(section.model_fields[step].annotation) or section
    return section


def _section_in(annotation: Any) -> type[Section] | None:
    """Return the section that a field's type is, or is a list of."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, Section):
            return part
    return None

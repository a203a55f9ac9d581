"""
Pages for people: a template beside this file, its style sheets, and the one policy under which a browser may show it.

No foreign asset, no inline style attribute: style and script are part of the page, and the content security policy
allows exactly them, by their hashes. The script shows local times, and nothing depends on it. Templates escape
everything; foreign text is clipped before.
"""

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from exporter.domain.dashboard import link_fleet, link_grafana, link_integration, row_errors_until
from exporter.domain.limits import LIMITS, Limit, Limits, Source, Unit
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.wording import clip, word_count, word_share, word_span
from exporter.web.words import (
    LONGEST_MESSAGE,
    LONGEST_NAME,
    path_of,
    word_age,
    word_rfc3339,
    word_unbroken_span,
    word_utc,
    word_value,
)

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = files("exporter.web") / "templates"
_STATUS_WORDS = {
    SyncStatus.RUNNING: "running",
    SyncStatus.SUCCESS: "success",
    SyncStatus.PARTIAL: "partial",
    SyncStatus.ERROR: "error",
    SyncStatus.CONFIG_ERROR: "config error",
    SyncStatus.LIMIT_EXCEEDED: "limit exceeded",
    SyncStatus.UNKNOWN: "unknown",
}
_UNITS = {key.name: key.unit for key in LIMITS}


class HtmlPage:
    """
    One template, read and compiled when somebody first looks: it would take a quarter of the start.

    Args:
        template: The file's name.
        sheets: Of style, in this order.
        functions: That the template calls, by name.

    """

    def __init__(self, template: str, *sheets: str, **functions: Callable[..., object]) -> None:
        self._name, self._functions = template, functions
        self._style = "".join((_TEMPLATES / sheet).read_text("utf-8") for sheet in sheets)
        self._script = (_TEMPLATES / "local_time.js").read_text("utf-8")
        self.policy = (
            f"default-src 'none'; style-src {_hash(self._style)}; script-src {_hash(self._script)}; img-src data:; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )

    @cached_property
    def _template(self) -> "jinja2.Template":
        import jinja2  # noqa: PLC0415 - see above
        from markupsafe import Markup  # noqa: PLC0415

        environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(lambda name: (_TEMPLATES / name).read_text("utf-8")),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(_FILTERS)
        environment.globals.update(
            style=Markup(self._style),  # noqa: S704 - our own file
            script=Markup(self._script),  # noqa: S704 - as well
            limits_in_words=limits_in_words,
            path_of=path_of,
            link_integration=link_integration,
            link_grafana=link_grafana,
            link_fleet=link_fleet,
            row_errors_until=row_errors_until,
            **self._functions,
        )
        return environment.get_template(self._name)

    def render(self, **values: Any) -> bytes:
        """The page in UTF-8."""
        return self._template.render(**values).encode("utf-8", "replace")  # a name can hold half a surrogate, too


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def word_status(sync: Sync) -> str:
    word = clip(sync.unknown_word, LONGEST_NAME)
    return f"unknown ({word})" if word else _STATUS_WORDS[sync.job_status]


def word_sync(sync: Sync) -> str:
    """A sync in one line: status, start, duration, rows."""
    parts = [word_status(sync), f"{sync.sync_start_time:%Y-%m-%d %H:%M:%S} UTC"]
    if sync.duration_seconds is not None:
        parts.append(f"took {word_span(sync.duration_seconds)}")
    if sync.rows_synced is not None:
        parts.append(word_count(sync.rows_synced, "row"))
    if sync.rows_failed_with_errors:
        parts.append(f"{sync.rows_failed_with_errors:,} failed")
    return ", ".join(parts)


def limits_in_words(limits: Limits | None) -> list[tuple[str, str, str]]:
    """Name, value and source of each limit in effect."""
    return [
        (name.replace("_", " "), _word_limit(name, limit), f"{limit.source}")
        for name, limit in limits or ()
        if limit.source is not Source.DEFAULT or limit.value is not None
    ]


def _word_limit(name: str, limit: Limit) -> str:
    return "off" if limit.value is None else word_value(limit.value, _UNITS.get(name, Unit.COUNT))


def _unbroken_age(at: datetime, now: datetime) -> str:
    return word_age(at, now).replace(" ", "\N{NO-BREAK SPACE}")


_FILTERS: dict[str, Callable[..., str]] = {
    "age": _unbroken_age,
    "utc": word_utc,
    "rfc3339": word_rfc3339,
    "span": word_unbroken_span,
    "name": lambda text: clip(text, LONGEST_NAME),
    "message": lambda text: clip(text, LONGEST_MESSAGE),
    "word": word_status,
    "sync": word_sync,
    "share": word_share,
    "number": lambda value: f"{value:,}",
    "whole": lambda value: f"{value:,.0f}",
}

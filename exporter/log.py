"""
The log: logfmt or JSON lines on standard error, for people at night and for machines.

Decides format and level only. Every line has time, level and event; what is worth a line is for the callers, who say
little: a poll that went as the one before is a debug line.
"""

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import FilteringBoundLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")
_FIRST = ("ts", "level", "msg")
_LONGEST = 4000
_BREAKS = {ord(c): f"\\x{ord(c):02x}" for c in "\0\x1b\r\x85\u2028\u2029"}
"""What could break a line or colour a terminal; the renderers escape the newline themselves."""


def build_log(level: str, form: str, stream: TextIO | None = None) -> FilteringBoundLogger:
    """Return a logger that writes to *stream*, standard error by default."""
    renderer: Any
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.processors.LogfmtRenderer(key_order=_FIRST, bool_as_flag=False)
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.EventRenamer("msg"),
            # Not the structured tracebacks: those hold local variables, and one of them may be a key.
            structlog.processors.format_exc_info,
            _one_line,
            renderer,
        ],
    )
    return logger


def _one_line(_logger: Any, _method: str, event: Any) -> Any:
    """Keep each entry one line of bounded length: part of it may be Braze's words. Prometheus says `warn`."""
    if event["level"] == "warning":
        event["level"] = "warn"
    for key, value in event.items():
        if isinstance(value, str):
            bounded = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
            event[key] = bounded.translate(_BREAKS)
    return {key: event.pop(key) for key in _FIRST} | event

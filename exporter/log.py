"""
The log: logfmt or JSON lines on standard error, for people at night and for machines.

Decides format and level, and that logging never stops anything: a call puts a line into a bounded queue, one thread
writes, and a line that does not fit or cannot be written is dropped and counted. Lines of other libraries get the same
format, and a limit. Every line has time, level and event; what is worth a line is for the callers, who say little: a
poll that went as the one before is a debug line.
"""

import logging
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

import structlog
from structlog.typing import FilteringBoundLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
FORMATS = ("logfmt", "json")
FOREIGN_LINES_PER_MINUTE = 20
_FIRST = ("ts", "level", "msg")
_LONGEST = 4000
_QUEUED_LINES = 1000
_CLOSING_SECONDS = 1.0
"""How long the end of the process may wait for a slow reader of the log."""
_LOOK_AGAIN_SECONDS = 0.1
_ATOMIC_BYTES = select.PIPE_BUF
"""A pipe that is ready takes this much without blocking."""


class Stream(Protocol):
    """Where finished lines go."""

    def write(self, text: str, /) -> object:
        """Take a line with its line end."""


class LogWriter:
    """
    Writes lines to *fd* in a thread of its own; a caller never waits and never sees an error.

    Args:
        fd: Standard error; None where it is closed, so that every line is dropped.
        capacity: How many lines may wait.

    """

    def __init__(self, fd: int | None, capacity: int = _QUEUED_LINES) -> None:
        self._capacity = capacity
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._torn = False
        """Whether the last line was written in part."""
        self._closing_at: float | None = None
        self._thread: threading.Thread | None = None
        if fd is not None:
            self._thread = threading.Thread(target=self._run, args=(fd,), name="log", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dropped(self) -> int:
        """How many lines have been lost so far."""
        return self._dropped

    def write(self, text: str) -> None:
        """Queue a line with its line end."""
        data = text.encode(errors="backslashreplace")
        with self._changed:
            if self._thread is None or self._closing_at is not None or len(self._lines) >= self._capacity:
                self._dropped += 1
            else:
                self._lines.append(data)
                self._changed.notify()

    def drop(self) -> None:
        """Count a line that is not to be written."""
        with self._changed:
            self._dropped += 1

    def close(self) -> None:
        """Write the lines that wait, as far as that takes no longer than a second."""
        with self._changed:
            self._closing_at = time.monotonic() + _CLOSING_SECONDS
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(2 * _CLOSING_SECONDS)

    def _run(self, fd: int) -> None:
        while (line := self._next()) is not None:
            if not self._put(fd, b"\n" + line if self._torn else line):
                self.drop()

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closing_at is not None)
            return self._lines.popleft() if self._lines else None

    def _put(self, fd: int, line: bytes) -> bool:
        """Write a line; return whether all of it was written."""
        rest = line
        while rest and self._writable(fd):
            try:
                written = os.write(fd, rest[:_ATOMIC_BYTES])
            except BlockingIOError:
                time.sleep(_LOOK_AGAIN_SECONDS)
            except OSError:
                break
            else:
                rest = rest[written:]
        if len(rest) < len(line):
            self._torn = bool(rest)
        return not rest

    def _writable(self, fd: int) -> bool:
        """Wait until the descriptor takes bytes or reports an error; False once closing has lasted too long."""
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        while not poll.poll(1000 * _LOOK_AGAIN_SECONDS):
            if self._closing_at is not None and time.monotonic() > self._closing_at:
                return False
        return True


def build_log(level: str, form: str, stream: Stream) -> FilteringBoundLogger:
    """Return a logger that writes to *stream*. Its methods do not raise, whatever they are given."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Lines(stream),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        processors=[_Renderer(form)],
    )
    return logger


def adopt_foreign_lines(log: FilteringBoundLogger, writer: LogWriter) -> None:
    """Log what asyncio, uvicorn, warnings and dying threads report in the format of *log*, for the whole process."""
    handler = ForeignLines(log, writer)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.raiseExceptions = False
    logging.captureWarnings(True)
    threading.excepthook = _reporter("threading")
    sys.unraisablehook = _reporter("python")


class ForeignLines(logging.Handler):
    """
    Passes on to *log* what other libraries log, at most `FOREIGN_LINES_PER_MINUTE`.

    Args:
        log: Gets the lines, each with the name of its logger.
        writer: Counts those that are left out.
        monotonic: Seconds of a steady clock.

    """

    def __init__(
        self, log: FilteringBoundLogger, writer: LogWriter, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._log = log
        self._writer = writer
        self._monotonic = monotonic
        self._minute = -1
        self._passed = 0
        self._suppressed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, or count it."""
        minute = int(self._monotonic() // 60)
        if minute != self._minute:
            self._minute, self._passed = minute, 0
        if self._passed >= FOREIGN_LINES_PER_MINUTE:
            self._suppressed += 1
            self._writer.drop()
            return
        self._passed += 1
        more: dict[str, Any] = {"suppressed": self._suppressed} if self._suppressed else {}
        self._suppressed = 0
        if record.exc_info and record.exc_info[0] is not None:
            more["exc_info"] = record.exc_info
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit, or that have no text
            text = str(record.msg)
        self._log.log(_level(record.levelno), text, logger=record.name, **more)


def _level(number: int) -> int:
    """The level of ours that is nearest below *number*: libraries may have more."""
    return max((level for level in LEVELS.values() if level <= number), default=logging.DEBUG)


class _Hook(Protocol):
    """What `threading.excepthook` and `sys.unraisablehook` are given."""

    @property
    def exc_type(self) -> type[BaseException]: ...
    @property
    def exc_value(self) -> BaseException | None: ...
    @property
    def exc_traceback(self) -> TracebackType | None: ...


def _reporter(name: str) -> Callable[[_Hook], None]:
    def report(hook: _Hook) -> None:
        error = hook.exc_value or hook.exc_type()
        logging.getLogger(name).error("an unhandled error in a task", exc_info=error)

    return report


class _Lines:
    """What structlog wraps: each level's method takes a finished line."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        self._stream.write(line + "\n")

    debug = info = warning = error = critical = exception = msg


class _Renderer:
    """Makes an entry one line of bounded length; part of it may be Braze's words."""

    def __init__(self, form: str) -> None:
        self._steps: tuple[Any, ...] = (
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.EventRenamer("msg"),
            # Not the structured tracebacks: those hold local variables, and one of them may be a key.
            structlog.processors.format_exc_info,
            _tidy,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if form == "json"
            else structlog.processors.LogfmtRenderer(key_order=_FIRST, bool_as_flag=False),
        )

    def __call__(self, logger: Any, method: str, event: Any) -> str:
        message = str(event["event"])
        try:
            line = self._render(logger, method, event)
        except Exception as error:  # noqa: BLE001 - an odd value in one line must not end what logs it
            line = self._render(logger, method, {"event": message, "not_rendered": type(error).__name__})
        return line if line.isprintable() else "".join(map(_visible, line))

    def _render(self, logger: Any, method: str, event: Any) -> str:
        for step in self._steps:
            event = step(logger, method, event)
        line: str = event
        return line


def _tidy(_logger: Any, _method: str, event: Any) -> Any:
    """Bound each text, and begin every line alike. Prometheus says `warn`."""
    if event["level"] == "warning":
        event["level"] = "warn"
    for key, value in event.items():
        if isinstance(value, str) and len(value) > _LONGEST:
            event[key] = f"{value[:_LONGEST]}..."
    return {key: event.pop(key) for key in _FIRST} | event


def _visible(character: str) -> str:
    """Escape, as JSON does, a character that could break a line, turn its direction or colour a terminal."""
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

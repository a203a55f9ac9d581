"""
What the commands run in: the configuration, an event loop, the log on standard error, and the exit code at the end.

Exit codes (contract 1): 0 done or stopped by a signal, 1 failed while running, 2 wrong flags or configuration.
"""
# ruff: noqa: PLC0415 - as in commands.py

import contextlib
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from exporter.config.errors import ConfigError
from exporter.state.lock import StorageInUseError
from exporter.web.listen import ListenError

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from exporter.config.load import Config
    from exporter.log import LogWriter

    Daemon = Callable[[FilteringBoundLogger, Callable[[], int]], Coroutine[Any, Any, None]]
    """Runs until a signal comes; given the log and the number of its lines that were lost."""

T = TypeVar("T")

FAILED = 1
WRONG = 2


def load(path: str) -> "Config":
    """Return the configuration at *path*; end the command where it has errors."""
    from exporter.config.load import load_config

    try:
        return load_config(path, environ=os.environ)
    except ConfigError as error:
        fail(str(error), WRONG)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what *work* comes to."""
    import asyncio

    return asyncio.run(work)


@contextlib.contextmanager
def open_log(level: str, form: str) -> Iterator[tuple["FilteringBoundLogger", "LogWriter"]]:
    """Open the log on standard error; lines that wait at the end are written then."""
    from exporter.log import LogWriter, adopt_foreign_lines, build_log

    try:
        fd = sys.stderr.fileno()
    except (AttributeError, OSError):  # it is closed, or a test has put something else in its place
        fd = None
    with LogWriter(fd) as writer:
        log = build_log(level, form, writer)
        adopt_foreign_lines(log, writer)
        yield log, writer


def serve(daemon: "Daemon", level: str, form: str) -> NoReturn:
    """Run until it ends, and exit at once: a thread that still resolves a name must not hold up the end."""
    import asyncio

    from exporter.app.daemon import WrongFlagError

    code = 0
    with open_log(level, form) as (log, writer):
        try:
            asyncio.Runner().run(daemon(log, lambda: writer.dropped))
        except (ConfigError, WrongFlagError) as error:
            click.echo(str(error), err=True)
            code = WRONG
        except (ListenError, StorageInUseError) as error:
            click.echo(str(error), err=True)
            code = FAILED
        except Exception:
            log.exception("crashed; this is a defect of the exporter")  # not a raw traceback: the log has one form
            code = FAILED
    os._exit(code)


def fail(text: str, code: int = FAILED) -> NoReturn:
    """End the command with *text* on standard error."""
    click.echo(text, err=True)
    sys.exit(code)

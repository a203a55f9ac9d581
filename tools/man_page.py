"""
Print the manual page, made of the same texts as `--help`: `make man`, and each release.

The date is that of SOURCE_DATE_EPOCH, where it is set: a release built twice is the same.
"""

import datetime as dt
import inspect
import os
import re
from collections.abc import Iterator

import click

from exporter.cli import main as command_line
from exporter.cli.help import DAEMON, EXAMPLES, VARIABLES
from exporter.version import VERSION

EXIT_STATUS = {
    "0": "Done, or stopped by a signal; for check, the configuration is good.",
    "1": "Failed while running; what could be done is done, and the rest is named.",
    "2": "Wrong flags or a wrong configuration.",
}


def man_page(date: dt.date) -> str:
    """The page as roff, with the macros of man(7)."""
    return "\n".join(_lines(date)) + "\n"


def _lines(date: dt.date) -> Iterator[str]:
    summary, *paragraphs = inspect.cleandoc(command_line.help or "").split("\n\n")
    yield f'.TH {_roff(DAEMON.upper())} 1 {date} "{_roff(DAEMON)} {VERSION}" "User Commands"'
    yield from (".SH NAME", rf"{_roff(DAEMON)} \- {_roff(summary[:1].lower() + summary[1:].rstrip('.'))}")
    yield ".SH SYNOPSIS"
    yield from (rf".B {_roff(DAEMON)}", r"[\fIOPTIONS\fR] [\fICOMMAND\fR [\fIOPTIONS\fR]]")
    yield from (".SH DESCRIPTION", _roff(summary))
    for paragraph in paragraphs:
        yield from (".PP", _roff(paragraph))
    yield ".SH OPTIONS"
    yield from _flags(command_line)
    yield ".SH COMMANDS"
    for name, command in sorted(command_line.commands.items()):
        yield from (f".SS {_roff(name)}", _roff(command.help or ""))
        yield from _flags(command)
    yield from (".SH ENVIRONMENT", _roff(VARIABLES))
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_STATUS.items():
        yield from (".TP", code, _roff(meaning))
    yield ".SH EXAMPLES"
    for examples in EXAMPLES.values():
        for purpose, call in examples:
            yield from (".TP", _roff(purpose), rf"\fB{_roff(call)}\fR")


def _flags(command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=command.name)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (".TP", rf"\fB{_roff(record[0])}\fR", _roff(record[1]))


def _roff(text: str) -> str:
    """*text* on one line, with what roff would take for an instruction escaped."""
    escaped = re.sub(r"\s+", " ", text).strip().replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = dt.datetime.now(dt.UTC) if epoch is None else dt.datetime.fromtimestamp(int(epoch), dt.UTC)
    print(man_page(moment.date()), end="")

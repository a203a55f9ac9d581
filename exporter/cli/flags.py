"""
Flags in the spelling of Prometheus exporters, each with its environment variable.

Decides names, defaults and types, and nothing about their effect. The daemon's flags belong to the group; a subcommand
that understands one of them has it again, so that it may stand before or after the subcommand's name.
"""

import os
from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem
from click.types import BoolParamType, OptionHelpExtra

from exporter.config.durations import parse_duration
from exporter.config.endpoint import find_instance, parse_endpoint
from exporter.domain.shard import parse_shard

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

LEVELS = ("debug", "info", "warn", "error")
FORMATS = ("logfmt", "json")
"""The same as in `exporter.log`, whose import would take longer than everything else `--version` needs."""

_PREFIX = "BRAZE_CDI_EXPORTER_"


class _Parsed(click.ParamType[Any]):
    """A value that a function of ours reads; its ValueError is the message."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed *value*; a parsed one stays as it is."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _name_file(value: str) -> str:
    if value in {"", "-"}:
        raise ValueError(f"names no file{'; one of that name is ./-' if value else ''}")
    return value


FILE = _Parsed("FILE", _name_file)
"""A file to write; `-` for standard output is refused where a file is wanted, or nothing stands for it already."""


class _TrueOrFalse(BoolParamType):
    """Contract 1: a boolean is `true` or `false`. click would accept `on`, `y` and blanks too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        """Return the parsed *value*; a flag on the command line is a boolean already."""
        if isinstance(value, bool):
            return value
        if value not in {"true", "false"}:
            self.fail(f"{value!r} is neither true nor false", param, ctx)
        return bool(value == "true")


class _Flag(click.Option):
    """Names its variable where that is wrong, and not in the help, where `help.py` names them all at once."""

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        extra = super().get_help_extra(ctx)
        extra.pop("envvars", None)
        return extra


class _Boolean(_Flag):
    """Lets its type read its variable. click would refuse a word before that; an empty one is unset."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002 - as click calls it
        return os.environ.get(str(self.envvar)) or None


class _Literal(_Flag):
    """Reads its variable literally. click would treat an empty one as unset, and use the default."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002 - as click calls it
        return os.environ.get(str(self.envvar))


def _any_case(words: tuple[str, ...]) -> click.Choice[str]:
    return click.Choice(words, case_sensitive=False)


def _completed_by(kind: str) -> Callable[..., list[CompletionItem]]:
    """Return what leaves completion to the shell, which knows files and directories."""
    return lambda _context, _parameter, incomplete: [CompletionItem(incomplete, type=kind)]


_COMPLETED = {
    "FILE": _completed_by("file"),
    "[FILE]": _completed_by("file"),
    "DIRECTORY": _completed_by("dir"),
}
"""By the placeholder of a flag's value."""


def _parse_duration(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{text!r} {error}; write for example 90s, 1h or 30d") from error


DURATION = _Parsed("duration", _parse_duration)
SHARD = _Parsed("i/n", parse_shard)
ENDPOINT = _Parsed("URL", parse_endpoint)
INSTANCE = _Parsed("instance", find_instance)
"""Given by its name; its value is the endpoint."""

_FLAGS: dict[str, dict[str, Any]] = {
    "--config.file": {"default": "config.yaml", "metavar": "FILE", "help": "The configuration file."},
    "--config.auto-reload-interval": {
        "default": "30s",
        "type": DURATION,
        "help": "How often to read a configuration file that has changed, or was rejected; 0 for never.",
    },
    "--web.listen-address": {
        "default": (":10273",),
        "multiple": True,
        "metavar": "ADDRESS",
        "help": "Where to listen; repeatable. No host means all interfaces.",
    },
    "--web.telemetry-path": {"default": "/metrics", "metavar": "PATH", "help": "Path of the metrics page."},
    "--web.config.file": {
        "metavar": "FILE",
        "help": "TLS and basic authentication, in the format of Prometheus's exporter-toolkit.",
    },
    "--web.enable-lifecycle": {
        "is_flag": True,
        "default": False,
        "help": "Let POST /-/reload reload the configuration.",
    },
    "--web.systemd-socket": {
        "is_flag": True,
        "default": False,
        "help": "Serve on the sockets that systemd passes, instead of listening.",
    },
    "--storage.path": {
        "cls": _Literal,
        "default": "data/",
        "metavar": "DIRECTORY",
        "help": "Directory of counters and state; empty: in memory only.",
    },
    "--shard": {"default": "0/1", "type": SHARD, "help": "Poll only the workspaces of replica i of n, as i/n."},
    "--log.level": {"default": "info", "type": _any_case(LEVELS), "help": "Log this level and above."},
    "--log.format": {"default": "logfmt", "type": _any_case(FORMATS), "help": "How log lines are written."},
}

DAEMON_FLAGS = tuple(_FLAGS)
ONLY_READ = "Directory of the daemon's state, which is only read."


def daemon_flags() -> Decorator:
    """Return all flags of the daemon, for the group."""
    return _all(lambda name: _option(name, **_FLAGS[name]), DAEMON_FLAGS)


def inherited_flags(*names: str, instead: str = "", **defaults: Any) -> Decorator:
    """
    Return some of the daemon's flags for a subcommand.

    A flag after the subcommand's name wins over one before it or in the environment.

    Args:
        names: Of the flags.
        instead: Help in place of the daemon's.
        defaults: By parameter name, where the subcommand's default is not the daemon's.

    """
    return _all(lambda name: _inherited(name, instead, **defaults), names)


def own_flag(name: str, **attributes: Any) -> Decorator:
    """Return a flag that only one subcommand has."""
    return _option(name, **attributes)


def _inherited(name: str, instead: str, **defaults: Any) -> Decorator:
    parameter = _parameter(name)

    def from_group(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE or context.parent is None:
            return value
        if context.parent.get_parameter_source(parameter) is ParameterSource.DEFAULT:
            return value
        return context.parent.params[parameter]

    attributes = dict(_FLAGS[name])
    attributes["default"] = defaults.get(parameter, attributes["default"])
    attributes["help"] = instead or attributes["help"]
    return _option(name, callback=from_group, **attributes)


def _option(name: str, **attributes: Any) -> Decorator:
    environment = _PREFIX + _parameter(name).upper()
    if attributes.get("is_flag"):
        attributes = {"cls": _Boolean, "type": _TrueOrFalse(), **attributes}
    attributes = {"cls": _Flag, "shell_complete": _COMPLETED.get(attributes.get("metavar", "")), **attributes}
    return click.option(name, _parameter(name), envvar=environment, show_default=True, show_envvar=True, **attributes)


def _parameter(name: str) -> str:
    return name.lstrip("-").replace(".", "_").replace("-", "_")


def _all(option: Callable[[str], Decorator], names: tuple[str, ...]) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            function = option(name)(function)
        return function

    return decorate

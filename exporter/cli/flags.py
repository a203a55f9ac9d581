"""
Flags in the spelling of Prometheus exporters, each with its environment variable.

Decides names, defaults and types, and nothing about what they do. The daemon's flags belong to the group; a subcommand
that understands one of them has it again, so that it may stand before or after the subcommand's name.
"""

from collections.abc import Callable
from typing import Any

import click
from click.core import ParameterSource

from exporter.log import FORMATS, LEVELS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

_PREFIX = "BRAZE_CDI_EXPORTER_"

_FLAGS: dict[str, dict[str, Any]] = {
    "--config.file": {"default": "config.yaml", "metavar": "FILE", "help": "The configuration file."},
    "--web.listen-address": {
        "default": (":10273",),
        "multiple": True,
        "metavar": "ADDRESS",
        "help": "Where to listen; repeatable. No host means all interfaces.",
    },
    "--web.telemetry-path": {"default": "/metrics", "metavar": "PATH", "help": "Where the metrics page is."},
    "--log.level": {"default": "info", "type": click.Choice(list(LEVELS)), "help": "What matters less is not logged."},
    "--log.format": {"default": "logfmt", "type": click.Choice(FORMATS), "help": "How log lines are written."},
}

DAEMON_FLAGS = tuple(_FLAGS)


def daemon_flags() -> Decorator:
    """Return all flags of the daemon, for the group."""
    return _all(lambda name: _option(name, **_FLAGS[name]), DAEMON_FLAGS)


def inherited_flags(*names: str, **defaults: Any) -> Decorator:
    """
    Return some of the daemon's flags for a subcommand.

    What stands after the subcommand's name wins over what stands before it or in the environment.

    Args:
        names: Of the flags.
        defaults: By parameter name, where the subcommand's default is not the daemon's.

    """
    return _all(lambda name: _inherited(name, **defaults), names)


def own_flag(name: str, **attributes: Any) -> Decorator:
    """Return a flag that only one subcommand has."""
    return _option(name, **attributes)


def _inherited(name: str, **defaults: Any) -> Decorator:
    parameter = _parameter(name)

    def from_group(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE or context.parent is None:
            return value
        if context.parent.get_parameter_source(parameter) is ParameterSource.DEFAULT:
            return value
        return context.parent.params[parameter]

    attributes = dict(_FLAGS[name])
    attributes["default"] = defaults.get(parameter, attributes["default"])
    return _option(name, callback=from_group, **attributes)


def _option(name: str, **attributes: Any) -> Decorator:
    environment = _PREFIX + _parameter(name).upper()
    return click.option(name, _parameter(name), envvar=environment, show_default=True, show_envvar=True, **attributes)


def _parameter(name: str) -> str:
    return name.lstrip("-").replace(".", "_").replace("-", "_")


def _all(option: Callable[[str], Decorator], names: tuple[str, ...]) -> Decorator:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            function = option(name)(function)
        return function

    return decorate

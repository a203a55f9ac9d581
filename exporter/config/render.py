"""
The running configuration as YAML, for people, as `GET /config` shows it.

Decides how settings are written back: complete, with every default, each workspace on its own, keys hidden.
The output is a valid configuration: with the secrets put back it loads to the same settings. Pure. Slow enough for
thousands of integrations (about a second for 10,000) that a caller should keep the text.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import yaml

from exporter.braze.network import Network
from exporter.config.durations import format_duration
from exporter.config.load import Config, ConfiguredWorkspace
from exporter.config.network import OFF, without_password
from exporter.domain.limits import LIMITS, Alerts, Keyword, LimitKey, LimitSettings, Setting, Unit
from exporter.domain.model import Integration
from exporter.domain.settings import DiscoverySettings, PollSettings

try:  # as in yaml_reader.py
    from yaml import CSafeDumper as _Dumper
except ImportError:  # pragma: no cover - depends on how PyYAML was built
    from yaml import SafeDumper as _Dumper  # type: ignore[assignment]

_NO_WRAPPING = 100_000


def render_config(config: Config, rewritten: Callable[[Any], Any] = lambda content: content) -> str:
    """Return the configuration as YAML, *rewritten* before; in place of each API key stands `<secret>`."""
    common = config.workspaces[0].settings
    content = {
        "history": format_duration(common.history_seconds),
        **({"grafana_url": common.grafana_url} if common.grafana_url else {}),
        "workspaces": [_workspace(workspace) for workspace in config.workspaces],
    }
    return yaml.dump(rewritten(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NO_WRAPPING)


def _workspace(workspace: ConfiguredWorkspace) -> dict[str, Any]:
    settings = workspace.settings
    return {
        "name": settings.name,
        "rest_endpoint": settings.rest_endpoint,
        **({"dashboard_url": settings.dashboard_url} if settings.dashboard_url else {}),
        **dict([workspace.key.setting]),
        "poll": _poll(settings.poll),
        "limits": {
            **{key.name: format_limit(key, settings.limits.setting(key)) for key in LIMITS},
            "sensitivity": settings.limits.sensitivity.value,
        },
        "rate_limit": asdict(settings.rate_limit),
        "network": _network(workspace.network),
        "integrations": [_integration(one, settings.limits) for one in settings.integrations],
        "discovery": _discovery(settings.discovery),
    }


def _poll(poll: PollSettings) -> dict[str, Any]:
    return {
        "interval": format_duration(poll.interval_seconds),
        "timeout": format_duration(poll.timeout_seconds),
        "stale_after": format_duration(poll.stale_after_seconds),
        "max_pages": poll.max_pages,
        "verify_after": format_duration(poll.verify_after_seconds),
    }


def _network(network: Network) -> dict[str, Any]:
    """Return the network in effect, whether file or variables have given it; a proxy without its password."""
    authorities = {} if network.ca_file is None else {"ca_file": network.ca_file}
    proxy = OFF if network.proxy is None else without_password(network.proxy)
    return {"proxy": proxy, "no_proxy": list(network.no_proxy), **authorities}


def format_limit(key: LimitKey, setting: Setting) -> str | int:
    """Write a limit as the file has it."""
    if isinstance(setting, Keyword):
        return setting.value
    if key.unit is Unit.SHARE:
        return f"{round(setting * 100, 6):g}%"
    return format_duration(setting) if key.unit is Unit.SECONDS else int(setting)


def _integration(one: Integration, common: LimitSettings) -> dict[str, Any]:
    """Return what the operator gave; what was not given has no default that could be written."""
    written: dict[str, Any] = {"id": one.integration_id}
    if one.integration_name != one.integration_id:
        written["name"] = one.integration_name
    if one.expected_interval_seconds is not None:
        written["expected_interval"] = format_duration(one.expected_interval_seconds)
    if one.timezone is not None:
        written["timezone"] = str(one.timezone)
    own = {
        key.name: format_limit(key, one.limits.setting(key))
        for key in LIMITS
        if one.limits.setting(key) != common.setting(key)
    }
    if one.limits.sensitivity is not common.sensitivity:
        own["sensitivity"] = one.limits.sensitivity.value
    if own:
        written["limits"] = own
    if one.alerts is not Alerts.ALL:
        written["alerts"] = one.alerts.value
    if one.labels:
        written["labels"] = dict(one.labels)
    return written


def _discovery(discovery: DiscoverySettings) -> dict[str, Any]:
    return {
        "enabled": discovery.enabled,
        "include": [pattern.text for pattern in discovery.names.include],
        "exclude": [pattern.text for pattern in discovery.names.exclude],
    }

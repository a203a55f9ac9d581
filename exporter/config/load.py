"""
From the configuration file to plain settings, or to all of its errors.

Decides the order of things: read, check types, check rules, find the keys; and collects the findings of each, so that
one run reports everything. No exception of pydantic or of the YAML library leaves this file. Does not know how the
settings are used.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from exporter.braze.network import DIRECT, Network
from exporter.config.errors import ConfigError, FieldError, WrongValueError
from exporter.config.explain import Finding, explain
from exporter.config.files import ConfigWatch, is_pipe
from exporter.config.keys import FixedKey, KeyFile, KeySource
from exporter.config.network import Defaults, build_network, check_ca_file, read_variables
from exporter.config.rules import check_rules, given_keys, raw_workspaces, shown_keys
from exporter.config.schema import ConfigFile, Limits, Workspace
from exporter.config.schema import Integration as ConfiguredIntegration
from exporter.config.values import is_text
from exporter.config.yaml_reader import read_document
from exporter.domain.discovery import NameFilter
from exporter.domain.errors import AuthError
from exporter.domain.expression import Expression
from exporter.domain.limits import LIMITS, LimitSettings, Sensitivity
from exporter.domain.model import Integration
from exporter.domain.settings import DiscoverySettings, PollSettings, RateLimits, WorkspaceSettings


@dataclass(frozen=True, slots=True)
class ConfiguredWorkspace:
    """A workspace's settings, and where its API key comes from."""

    settings: WorkspaceSettings
    key: KeySource
    network: Network = DIRECT


@dataclass(frozen=True, slots=True)
class Config:
    """A valid configuration."""

    workspaces: tuple[ConfiguredWorkspace, ...]


def load_config(path: str, *, environ: Mapping[str, str], again: bool = False) -> Config:
    """
    Read the configuration file at *path*, and every key that it names.

    An integration without a name is named by its id, until Braze's name is known.
    A relative api_key_file is looked up beside the configuration file, or in the current directory where that is a
    pipe; api_key_env in *environ*. *again* refuses a pipe, which was read before.

    Raises:
        ConfigError: The configuration cannot be used; it holds every error with file, line, key and remedy.

    """
    document = read_document(path, pipe=not again)
    directory = Path() if is_pipe(path) else Path(path).parent
    findings: list[Finding] = list(check_rules(document.content))
    parsed = None
    try:
        parsed = ConfigFile.model_validate(document.content)
    except ValidationError as error:
        findings += explain(error, ConfigFile)
    keys: list[KeySource] = []
    for place, workspace in raw_workspaces(document.content):
        try:
            keys += _find_key(workspace | _common_key(workspace, document.content), directory, environ)
        except WrongValueError as error:
            blamed = next(iter(given_keys(workspace)), "name")
            findings.append(((*place, blamed), error.problem, error.remedy))
    findings += shown_keys(document.content, _readable(keys))
    findings += _unusable_authorities(document.content, directory)
    defaults, of_variables = read_variables(environ)
    errors = [*document.errors, *(document.error_at(*finding) for finding in findings), *of_variables]
    if parsed is None or errors:
        raise ConfigError(errors)
    return Config(
        tuple(
            ConfiguredWorkspace(_settings(workspace, parsed), key, _network(workspace, parsed, directory, defaults))
            for workspace, key in zip(parsed.workspaces, keys, strict=True)
        )
    )


def single_workspace(name: str, rest_endpoint: str, key_file: str, environ: Mapping[str, str]) -> ConfiguredWorkspace:
    """
    Return a workspace of which only name, endpoint and key file are known, before there is a configuration.

    Raises:
        ConfigError: The key file cannot be used, or a variable of the network.

    """
    defaults, errors = read_variables(environ)
    try:
        key = KeyFile(key_file)
    except WrongValueError as error:
        raise ConfigError([FieldError("--api-key-file", None, "", error.problem, error.remedy), *errors]) from None
    if errors:
        raise ConfigError(errors)
    settings = WorkspaceSettings(name, rest_endpoint, discovery=DiscoverySettings(enabled=True))
    return ConfiguredWorkspace(settings, key, build_network(None, None, "", Path(), defaults))


def load_watched_config(path: str, *, environ: Mapping[str, str]) -> tuple[Config, ConfigWatch]:
    """
    Read the configuration as `load_config` does, and return it with a watch for later changes to its file.

    Raises:
        ConfigError: As `load_config` does.

    """
    watch = ConfigWatch(path)
    return load_config(path, environ=environ), watch


def _common_key(workspace: dict[str, Any], content: dict[str, Any]) -> dict[str, str]:
    """
    Return the key file that the pattern for all workspaces names for one that has no key of its own.

    Raises:
        WrongValueError: The workspace's name would lead to another directory.

    """
    pattern, name = content.get("api_key_file"), workspace.get("name")
    if given_keys(workspace) or not isinstance(pattern, str) or not isinstance(name, str) or "{name}" not in pattern:
        return {}
    if "/" in name:
        remedy = "choose a name without `/`, or give the workspace an api_key_file of its own"
        raise WrongValueError("cannot be part of a key file's path", remedy)
    return {"api_key_file": pattern.replace("{name}", name)}


def _find_key(workspace: dict[str, Any], directory: Path, environ: Mapping[str, str]) -> list[KeySource]:
    """
    Return the workspace's key source; None where the schema or a rule reports it anyway.

    Raises:
        WrongValueError: The key that is named does not exist or is not valid.

    """
    given = given_keys(workspace)
    if len(given) != 1:
        return []
    kind = given[0]
    named = workspace[kind]
    if not isinstance(named, str):
        return []
    if kind == "api_key":
        return [FixedKey(named)]
    if not is_text(named):
        return []
    if kind == "api_key_file":
        return [KeyFile(str(directory / named), named=named)]
    if named not in environ:
        raise WrongValueError("names an environment variable that is not set", "set it where the exporter starts")
    try:
        return [FixedKey(environ[named], variable=named)]
    except WrongValueError as error:
        raise WrongValueError(f"names an environment variable that {error.problem}", error.remedy) from None


def _readable(keys: Iterable[KeySource]) -> Iterator[str]:
    """Yield the keys, but for one whose file is gone since it was found: its workspace says so when it is polled."""
    for key in keys:
        with contextlib.suppress(AuthError):
            yield key.read()


def _unusable_authorities(content: Any, directory: Path) -> Iterator[Finding]:
    """Yield what is wrong with each `network.ca_file`; the schema reports what is no text at all."""
    places = [((), content), *raw_workspaces(content)]
    for place, section in places:
        network = section.get("network") if isinstance(section, dict) else None
        named = network.get("ca_file") if isinstance(network, dict) else None
        if isinstance(named, str) and is_text(named):
            try:
                check_ca_file(str(directory / named))
            except WrongValueError as error:
                yield (*place, "network", "ca_file"), error.problem, error.remedy


def _network(workspace: Workspace, file: ConfigFile, directory: Path, defaults: Defaults) -> Network:
    own, common = workspace.network, file.network
    return build_network(
        common.proxy if own.proxy is None else own.proxy,
        common.no_proxy if own.no_proxy is None else own.no_proxy,
        own.ca_file or common.ca_file,
        directory,
        defaults,
    )


def _settings(workspace: Workspace, file: ConfigFile) -> WorkspaceSettings:
    poll = file.poll.model_copy(update={key: getattr(workspace.poll, key) for key in workspace.poll.model_fields_set})
    return WorkspaceSettings(
        name=workspace.name,
        rest_endpoint=workspace.rest_endpoint or workspace.instance,
        poll=PollSettings(
            interval_seconds=poll.interval,
            timeout_seconds=poll.timeout,
            stale_after_seconds=poll.stale_after,
            max_pages=poll.max_pages,
            # No reason to ask an integration's own endpoint more often than it would be without the list.
            verify_after_seconds=max(poll.verify_after, poll.interval),
        ),
        rate_limit=RateLimits(**workspace.rate_limit.model_dump()),
        integrations=tuple(
            _integration(workspace.name, one, _limits(file.limits, workspace.limits, one.limits))
            for one in workspace.integrations
        ),
        limits=_limits(file.limits, workspace.limits),
        history_seconds=file.history,
        dashboard_url=workspace.dashboard_url,
        grafana_url=file.grafana_url,
        discovery=DiscoverySettings(
            enabled=_discovers(workspace),
            names=NameFilter(
                include=tuple(map(Expression, workspace.discovery.include)),
                exclude=tuple(map(Expression, workspace.discovery.exclude)),
            ),
        ),
    )


def _discovers(workspace: Workspace) -> bool:
    """Whether what Braze lists is polled: as `enabled` says, else where no list of integrations is given."""
    if "enabled" in workspace.discovery.model_fields_set:
        return workspace.discovery.enabled
    return "integrations" not in workspace.model_fields_set


def _limits(*blocks: Limits) -> LimitSettings:
    """Return the limits of the innermost of *blocks*, which come from the outside in; each overrides single keys."""
    merged: dict[str, Any] = {}
    for block in blocks:
        merged |= {key: getattr(block, key) for key in block.model_fields_set}
    # A default that is written down is the default still: `/config` writes down every one.
    return LimitSettings(
        {key.name: merged[key.name] for key in LIMITS if merged.get(key.name, key.setting) != key.setting},
        merged.get("sensitivity", Sensitivity.MEDIUM),
    )


def _integration(workspace: str, one: ConfiguredIntegration, limits: LimitSettings) -> Integration:
    return Integration(
        workspace,
        one.id,
        one.name or one.id,  # the id as name says that none was given: Braze's is used once it is known
        tuple(one.labels.items()),
        expected_interval_seconds=one.expected_interval or None,
        limits=limits,
        alerts=one.alerts,
        timezone=one.timezone,
    )

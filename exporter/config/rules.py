"""
Rules between keys of the file: one key source, unique names, sensible relations.

Decides on the raw values, before and apart from the schema's types: pydantic leaves such checks out as soon as a type
is wrong, and then a second run would report new errors. So a rule skips everything that the schema rejects anyway.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from exporter.config.durations import format_duration, parse_duration
from exporter.config.explain import Finding, KeyPath
from exporter.config.schema import EXTENSION, Poll, RateLimit, Workspace

KEY_KINDS = ("api_key_file", "api_key_env", "api_key")
_SHORTEST_KEY = 16
"""What is shorter may be part of a name by chance."""


def check_rules(content: Any) -> Iterable[Finding]:
    """Return a finding for every rule that the file's content breaks."""
    findings: dict[tuple[KeyPath, str], Finding] = {}
    for finding in _broken_rules(content):
        findings.setdefault(finding[:2], finding)  # a default that two workspaces share is one error
    return findings.values()


def raw_workspaces(content: Any) -> list[tuple[KeyPath, dict[str, Any]]]:
    """Return the path and the unchecked content of each workspace that is a mapping at all."""
    found = _items(_get(content, "workspaces"))
    return [(("workspaces", index), workspace) for index, workspace in found if isinstance(workspace, dict)]


def given_keys(workspace: dict[str, Any]) -> list[str]:
    """Return which kinds of key the workspace names, in the order of the file."""
    return [name for name in workspace if name in KEY_KINDS]


def shown_keys(content: Any, keys: Iterable[str], here: KeyPath = ()) -> Iterator[Finding]:
    """Yield each text of the file that holds one of its API *keys* and would be shown; what names a key is not."""
    long = tuple(key for key in keys if len(key) >= _SHORTEST_KEY)
    if isinstance(content, str):
        if any(key in content for key in long):
            yield here, "contains an API key", "remove it here: names, labels and addresses are shown to everybody"
        return
    for step, value in content.items() if isinstance(content, dict) else _items(content):
        if step not in KEY_KINDS and long:
            yield from shown_keys(value, long, (*here, step))


def _broken_rules(content: Any) -> Iterator[Finding]:
    workspaces = raw_workspaces(content)
    yield from _repeated("name", [(here, workspace.get("name")) for here, workspace in workspaces])
    for here, workspace in workspaces:
        yield from _one_endpoint(here, workspace)
        yield from _one_key_source(here, workspace, content)
        yield from _stale_after(here, workspace, content)
        yield from _usable_share(here, workspace)
        yield from _something_to_poll(here, workspace)
        yield from _repeated_integrations(here, workspace)


def _something_to_poll(here: KeyPath, workspace: dict[str, Any]) -> Iterator[Finding]:
    discovery = workspace.get("discovery", {})
    if not isinstance(discovery, dict):
        return
    if discovery.get("enabled", "integrations" not in workspace) is not False:
        return
    if workspace.get("integrations") == []:
        remedy = "remove this key to poll all that Braze lists, or add `- id: ...`"
        yield (*here, "integrations"), "names no integration", remedy
    elif "integrations" not in workspace:
        remedy = "add `- id: ...` for each integration to poll, or turn discovery on"
        yield (*here, "integrations"), "names no integration", remedy
    for key in ("include", "exclude"):
        if discovery.get(key, []) != []:
            yield (*here, "discovery", key), "does nothing while discovery is off", "set `enabled: true` next to it"


def _repeated_integrations(here: KeyPath, workspace: dict[str, Any]) -> Iterator[Finding]:
    ids: list[tuple[KeyPath, Any]] = []
    names: list[tuple[KeyPath, Any]] = []
    unnamed = set()
    for position, one in _items(workspace.get("integrations")):
        path = (*here, "integrations", position)
        integration_id, name = _get(one, "id"), _get(one, "name")
        ids.append((path, integration_id))
        if name is not None:
            names.append((path, name))
        elif isinstance(integration_id, str) and integration_id not in unnamed:
            # The id is the name then; one id twice without names is one error, not two.
            unnamed.add(integration_id)
            names.append((path, integration_id))
    yield from _repeated("id", ids)
    yield from _repeated("name", names)


def _one_endpoint(here: KeyPath, workspace: dict[str, Any]) -> Iterator[Finding]:
    given = [name for name in workspace if name in ("rest_endpoint", "instance")]
    if not given:
        remedy = "write for example `instance: US-03` or `rest_endpoint: https://rest.iad-03.braze.com`"
        yield (*here, "rest_endpoint"), "is missing", remedy
    for extra in given[1:]:
        yield (*here, extra), f"is given together with {given[0]}", "keep exactly one of them"


def _one_key_source(here: KeyPath, workspace: dict[str, Any], content: Any) -> Iterator[Finding]:
    given = given_keys(workspace)
    if not given and "api_key_file" not in content:
        others = (name for name in workspace if not name.startswith(EXTENSION))
        misspelt = any(name not in Workspace.model_fields and "key" in name for name in others)
        if not misspelt:  # that error is reported already
            common = "or an api_key_file with `{name}` for all workspaces at the top"
            yield here, "has no API key", f"add one of {', '.join(KEY_KINDS)}, {common}"
    for extra in given[1:]:
        yield (*here, extra), f"is given together with {given[0]}", "keep exactly one of them"


def _repeated(key: str, values: list[tuple[KeyPath, Any]]) -> Iterator[Finding]:
    first: dict[str, KeyPath] = {}
    for path, value in values:
        if not isinstance(value, str):
            continue
        if value in first:
            where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first[value]).lstrip(".")
            yield (*path, key), f"is the same as that of {where}", f"give each its own {key}"
        else:
            first[value] = path


def _stale_after(here: KeyPath, workspace: dict[str, Any], content: Any) -> Iterator[Finding]:
    interval_path, interval = _in_effect("interval", here, workspace, content)
    stale_path, stale_after = _in_effect("stale_after", here, workspace, content)
    if interval and stale_after and 0 < stale_after < interval:
        # The workspace's own key is to blame before the common one, and what is written before a default.
        given = [path for path in (stale_path, interval_path) if path is not None]
        pair = f"stale_after ({format_duration(stale_after)}) is shorter than interval ({format_duration(interval)})"
        remedy = f"set stale_after to {format_duration(3 * interval)} or so"
        yield max(given, key=len), f"{pair}: values would vanish between polls", remedy


def _in_effect(key: str, here: KeyPath, workspace: dict[str, Any], content: Any) -> tuple[KeyPath | None, float | None]:
    """Return where a duration comes from (None: the default) and its seconds (None: the schema refuses it)."""
    for path, section in (((*here, "poll", key), workspace.get("poll")), (("poll", key), _get(content, "poll"))):
        text = _get(section, key)
        if text is not None:
            try:
                return path, parse_duration(text) if isinstance(text, str) else None
            except ValueError:
                return path, None
    return None, float(Poll.model_fields[key].default)


def _usable_share(here: KeyPath, workspace: dict[str, Any]) -> Iterator[Finding]:
    section = _get(workspace, "rate_limit")
    share = _number(section, "share")
    if share is None or not 0 < share <= 1:
        return
    for key in RateLimit.model_fields.keys() - {"share"}:
        limit = _number(section, key)
        if limit is not None and 1 <= limit < 10**7 and share * limit < 1 - 1e-9:
            path = (*here, "rate_limit", "share") if "share" in section else (*here, "rate_limit", key)
            yield path, "leaves less than one request a minute", "raise the share or the limit"


def _number(section: Any, key: str) -> float | None:
    value = _get(section, key)
    if value is None:
        return float(RateLimit.model_fields[key].default)
    return value if type(value) in (int, float) else None


def _get(mapping: Any, key: str) -> Any:
    return mapping.get(key) if isinstance(mapping, dict) else None


def _items(value: Any) -> list[tuple[int, Any]]:
    return list(enumerate(value)) if isinstance(value, list) else []

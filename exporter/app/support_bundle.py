"""
`support-bundle`: one file with what a maintainer needs, which names nobody.

Decides what is in it and what is hidden. Everything that is written goes through the pseudonyms; API keys, passwords,
ids, names, labels and hosts are replaced, each always by the same word.
"""

import io
import json
import platform
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from exporter.app.explain import explain_stored
from exporter.app.running import THIS_HOST, Document, NoExporterError, RunningExporter
from exporter.config.load import Config
from exporter.config.render import render_config
from exporter.domain.errors import AuthError
from exporter.domain.pseudonyms import Pseudonyms
from exporter.domain.view import View
from exporter.state.connect import SUFFIXES
from exporter.state.sqlite import FILE_NAME
from exporter.version import REVISION, VERSION

MOST = 20
"""Integrations in depth; those with problems come first."""
_OWN_KEYS = ("history", "poll", "limits", "rate_limit", "expected_interval", "timezone", "alerts", "enabled", "api_key")
_OWN_FIELDS = (
    "schema_version",
    "kind",
    "severity",
    "source",
    "job_status",
    "outcome",
    "endpoint",
    "reason",
    "by",
    "limits",
)
_OWN_LABELS = (
    *("status", "endpoint", "reason", "le", "severity", "problem", "source", "kind", "code"),
    *("version", "revision", "python_version", "implementation", "major", "minor", "patchlevel"),
)
"""Whose values are words of ours: to hide them would tell a reader nothing, or something wrong."""
_KINDS = {"workspace": "workspace", "integration_id": "id", "integration_name": "integration", "app_group_id": "id"}
_HEIR = re.compile(r'(?<=Renamed in Braze to ").*(?=", which)|(?<=Another of this name has the id ).*(?=: put)')
"""The new name or id of what is gone, which nobody has announced."""
_LIBRARIES = ("httpcore", "prometheus-client", "pydantic", "pyyaml", "starlette", "structlog", "uvicorn")


async def build_bundle(
    config: Config, storage_path: str, url: str | None, say: Callable[[str], None], log: FilteringBoundLogger
) -> bytes:
    """
    Return a ZIP archive with about.json, config.yaml, integrations.json and, from a running exporter, metrics.txt.

    Args:
        config: Whose names are hidden, and what is shown where no exporter answers.
        storage_path: Of the daemon's state; only read.
        url: Of a running exporter; None tries this host and then reads the state.
        say: Takes what is missing and why, a sentence each.
        log: For what is read from the state.

    Raises:
        NoExporterError: None answers at *url*.

    """
    exporter, documents, page = None, [], None
    try:
        exporter = RunningExporter(url or THIS_HOST)
        pairs = exporter.integrations()
    except NoExporterError as error:
        if url:
            raise
        say(f"{error}; the bundle has what the state in {storage_path or 'memory'} knows, and no metrics")
        documents = await explain_stored(config, storage_path, _telling, say, log)
        everyone = [(one["workspace"], one["integration"]) for one in documents]
    else:
        everyone = pairs
        first = sorted(pairs, key=lambda pair: not pair[1]["problems"])[:MOST]
        documents = [exporter.integration(workspace, one["id"]) for workspace, one in first]
        try:
            page = exporter.read("/metrics").decode()
        except NoExporterError as error:
            say(f"{error}; the bundle has no metrics")
    hidden = _pseudonyms(config, everyone)
    for one in documents:
        one["notes"] = [_without_names(note) for note in one["notes"]]
        for problem in one["integration"]["problems"]:
            problem["text"] = _HEIR.sub("...", problem["text"])
    kinds = {**_KINDS, **{label: "label" for _, one in everyone for label in one["labels"]}}
    contents = {
        "about.json": _json(_about(config, storage_path, len(everyone), running=page is not None)),
        "config.yaml": render_config(config, lambda content: hidden.hide_json(content, _OWN_KEYS)),
        "integrations.json": _json(hidden.hide_json(documents, _OWN_FIELDS)),
        **({} if page is None else {"metrics.txt": hidden.hide_labels(page, kinds, _OWN_LABELS)}),
    }
    return _archive(contents)


def _without_names(note: str) -> str:
    """A note of a workspace names, in parentheses at its end, integrations that nobody watches."""
    text, mark, _ = note.partition("(")
    return f"{text}{mark}...)" if mark else text


def _telling(views: Iterable[View]) -> list[View]:
    return sorted(views, key=lambda view: view.latest is None)[:MOST]


def _pseudonyms(config: Config, integrations: Iterable[tuple[str, Document]]) -> Pseudonyms:
    """Return who hides whatever names somebody in the configuration and in *integrations*, with their workspaces."""
    workspaces, ids, names, labels, keys = [], [], [], [], []
    hosts: list[str] = []
    files: list[str] = []
    for configured in config.workspaces:
        settings = configured.settings
        workspaces.append(settings.name)
        ids += [one.integration_id for one in settings.integrations]
        names += [one.integration_name for one in settings.integrations]
        names += [pattern.text for pattern in (*settings.discovery.names.include, *settings.discovery.names.exclude)]
        labels += [value for one in settings.integrations for _, value in one.labels]
        hosts += [settings.grafana_url, *map(str, configured.network.no_proxy)]
        setting, value = configured.key.setting
        files += [*([value] if setting != "api_key" else []), *filter(None, [configured.network.ca_file])]
        try:
            keys.append(configured.key.read())
        except AuthError:
            continue  # none can be read, so none is anywhere
    for workspace, one in integrations:
        workspaces.append(workspace)
        ids += [one["id"], *filter(None, [one["app_group_id"]])]
        names.append(one["name"])
        labels += one["labels"].values()
    return Pseudonyms(
        keys, {"id": ids, "integration": names, "workspace": workspaces, "label": labels, "host": hosts, "file": files}
    )


def _about(config: Config, storage_path: str, known: int, *, running: bool) -> Document:
    """Return what the exporter runs on; no name of the host or of a user."""
    files = [Path(storage_path) / f"{FILE_NAME}{suffix}" for suffix in SUFFIXES] if storage_path else []
    return {
        "version": VERSION,
        "revision": REVISION or None,
        "from": "a running exporter" if running else "the state on disk",
        "python": sys.version,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": {name: version(name) for name in _LIBRARIES},
        "workspaces": len(config.workspaces),
        "integrations": known,
        "state_bytes": {path.name: path.stat().st_size for path in files if path.exists()},
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _archive(contents: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(name, text.encode("utf-8", "replace"))
    return stream.getvalue()

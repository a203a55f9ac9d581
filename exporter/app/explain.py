"""
`explain`: why an integration is judged and polled as it is, as its JSON has it.

The document comes from a running exporter or, where none answers, from a copy of the state and the configuration: the
same poller that the daemon has is made ready for it, and never polls. Nothing is written, and Braze is not asked.
"""

import base64
import json
import ssl
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from structlog.typing import FilteringBoundLogger

from exporter.app.daemon import find_integration
from exporter.app.exporter import Exporter
from exporter.app.histories import state_of_the_daemon
from exporter.clock import SystemClock
from exporter.config.load import Config
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state.statefile import StateFile
from exporter.state.store import MemoryStore
from exporter.web.integration_json import render_integration_json

_PATIENCE_SECONDS = 10
_MOST_BYTES = 200_000_000
Document = dict[str, Any]
"""`/api/v1/integrations/{workspace}/{id}`, as docs/http.md has it."""


class NoExporterError(Exception):
    """No exporter answers at an address as one does; the text says what there is."""


def explain_running(url: str, wanted: str) -> list[Document]:
    """
    Return the documents of the integrations with the id or name *wanted*, from the exporter at *url*.

    Raises:
        NoExporterError: None answers there.

    """
    ask = _asker(url)
    try:
        names = [
            (workspace["name"], integration["id"])
            for workspace in ask("/api/v1/status")["workspaces"]
            for integration in workspace["integrations"]
            if wanted in {integration["id"], integration["name"]}
        ]
    except (KeyError, TypeError) as error:
        raise NoExporterError(f"what answers at {_shown(url)} is no braze-cdi-exporter") from error
    return [ask(f"/api/v1/integrations/{quote(space, safe='')}/{quote(key, safe='')}") for space, key in names]


async def explain_stored(
    config: Config, storage_path: str, wanted: str, say: Callable[[str], None], log: FilteringBoundLogger
) -> list[Document]:
    """Return the same from the configuration and a copy of the state; what cannot be read is *say*'s to tell."""
    with state_of_the_daemon(storage_path, say) as state:
        store = MemoryStore() if state is None else _copied(state)
    exporter = Exporter(store=store, self_metrics=SelfMetrics(), clock=SystemClock(), log=log)
    found = []
    for poller in exporter.prepare(config):
        for view in poller.views:
            one = view.integration
            if wanted in {one.integration_id, one.integration_name}:
                status = find_integration([poller], f"{one.workspace}/{one.integration_id}")
                found += [] if status is None else [json.loads(render_integration_json(status))]
    await exporter.close()
    return found


def _copied(state: StateFile) -> MemoryStore:
    store = MemoryStore()
    for (workspace, key), one in state.read().states.items():
        store.commit(workspace, key, one)
        store.pasts[workspace, key] = state.load_past((workspace, key))[0]
    return store


def _asker(url: str) -> Callable[[str], Document]:
    """Return who asks an exporter for JSON; a name and password in *url* are sent to it only."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NoExporterError(f"{_shown(url)} is no address such as http://127.0.0.1:10273")
    base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    headers = {"Accept": "application/json"}
    if parts.username is not None:
        pair = f"{parts.username}:{parts.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    opener: OpenerDirector = build_opener(ProxyHandler({}), HTTPSHandler(context=ssl.create_default_context()))

    def ask(path: str) -> Document:
        try:
            with opener.open(Request(base + path, headers=headers), timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 - checked above
                return dict(json.loads(answer.read(_MOST_BYTES)))
        except HTTPError as error:
            raise NoExporterError(f"{_shown(url)} answers {error.code} to {path}") from error
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise NoExporterError(f"no exporter answers at {_shown(url)}: {reason}") from error
        except ValueError as error:
            raise NoExporterError(f"what answers at {_shown(url)} is no braze-cdi-exporter") from error

    return ask


def _shown(url: str) -> str:
    """An address without name and password."""
    return url.rpartition("@")[2] if "@" in url else url

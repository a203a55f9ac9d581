"""
Braze's three CDI endpoints: from a request as plain values to an answer as a plain value, at a given moment.

Order of refusals: unknown path, unknown key, missing permission, rate limit, unknown integration, invalid cursor.
Nothing here does I/O. A request about which nothing has changed costs some microseconds: a simulated week makes
millions of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, unquote

from exporter.braze.endpoints import Endpoint
from exporter.simulator.responses import PAGE_SIZE, Answer, decipher_cursor, refuse
from exporter.simulator.workspace import PERMISSIONS, SYNC, SYNC_PERMISSION, SimulatedWorkspace
from exporter.simulator.world import World

_ROOT = "/cdi/integrations"
_ONE = f"{_ROOT}/"
_METHODS: Mapping[str, str] = {**dict.fromkeys(Endpoint, "GET"), SYNC: "POST"}


def handle(  # noqa: PLR0917 - a request has these parts, in the order of its first line
    world: World, now: datetime, method: str, path: str, query: str, headers: Mapping[str, str]
) -> Answer:
    """
    Answer one request.

    Args:
        world: Whom to ask.
        now: The moment, aware; the world's time is moved on to it.
        method: As the endpoint wants it, or the answer is 405.
        path: Percent-encoded.
        query: Percent-encoded, without the question mark.
        headers: With lower-case names.

    """
    world.advance(now)
    endpoint, integration_id = _route(path)
    if not endpoint:
        return refuse(404, "Not found")
    if method != _METHODS[endpoint]:
        return refuse(405, "Method not allowed", {"allow": _METHODS[endpoint]})
    scheme, _, key = headers.get("authorization", "").partition(" ")
    workspace = world.workspace_of(key) if scheme.lower() == "bearer" else None
    if workspace is None:
        answer = refuse(world.style.unknown_key_status, "Invalid API key")
    else:
        permitted = workspace.permits(key, endpoint)
        answer = _answer(world, workspace, endpoint, integration_id, query) if permitted else _forbid(endpoint)
    return replace(answer, headers={"date": format_datetime(world.now.astimezone(UTC), usegmt=True), **answer.headers})


def _route(path: str) -> tuple[str, str]:
    """Return the endpoint of a path, empty for none, and the integration's id where there is one."""
    if path == _ROOT:
        return Endpoint.INTEGRATIONS, ""
    for endpoint in (Endpoint.JOB_SYNC_STATUS, SYNC):
        end = f"/{endpoint}"
        if path.startswith(_ONE) and path.endswith(end) and len(path) > len(_ONE + end):
            integration_id = path[len(_ONE) : -len(end)]
            return endpoint, unquote(integration_id) if "%" in integration_id else integration_id
    return "", ""


def _offset(query: str) -> int | None:
    """Return where the page begins; None when the cursor is invalid."""
    if not query:
        return 0
    cursor = parse_qs(query, keep_blank_values=True).get("cursor")
    if cursor is None:
        return 0
    try:
        return decipher_cursor(cursor[-1])
    except ValueError:
        return None


def _forbid(endpoint: str) -> Answer:
    permission = SYNC_PERMISSION if endpoint == SYNC else PERMISSIONS[Endpoint(endpoint)]
    return refuse(403, f"The API key lacks the permission {permission}")


def _answer(world: World, workspace: SimulatedWorkspace, endpoint: str, integration_id: str, query: str) -> Answer:
    allowance = workspace.take(endpoint, world.now.timestamp())
    limits = allowance.headers()
    if not allowance.allowed:
        return refuse(429, "Rate limit exceeded", limits)
    integration = world.integrations.get(integration_id)
    if endpoint is not Endpoint.INTEGRATIONS:
        if integration is None or integration.workspace != workspace.name:
            return _unknown_integration(world, integration_id, limits)
        if endpoint == SYNC:
            return _start_sync(world, integration_id, limits)
        if integration_id in world.broken:
            return refuse(500, "Internal Server Error", limits)
    offset = _offset(query)
    if offset is None:
        return refuse(400, "Invalid cursor", limits)
    if integration is None:
        good = _list(world, workspace, offset)
    else:
        integration.catch_up(world.now)
        good = world.pages.status_page(integration, offset)
    return replace(good, headers={**good.headers, **limits})


def _start_sync(world: World, integration_id: str, limits: dict[str, str]) -> Answer:
    """Source: "Trigger sync" of Braze's CDI API; what the body of its 202 says, the page leaves open."""
    try:
        world.start_sync(integration_id)
    except ValueError:
        return refuse(429, "Another job is in progress", limits)
    return refuse(202, "success", limits)


def _list(world: World, workspace: SimulatedWorkspace, offset: int) -> Answer:
    shown = [world.integrations[each] for each in workspace.integrations[offset : offset + PAGE_SIZE]]
    for integration in shown:
        integration.catch_up(world.now)
    total = len(workspace.integrations)
    return world.pages.list_page(workspace.name, shown, offset, total, workspace.list_version)


def _unknown_integration(world: World, integration_id: str, limits: dict[str, str]) -> Answer:
    """A malformed id is `400 Invalid integration ID`; whether an unknown one is, Braze's page does not say."""
    well_formed = all(character.isalnum() or character in "-_" for character in integration_id)
    if not well_formed or world.style.unknown_integration_status == 400:  # noqa: PLR2004 - the HTTP status
        return refuse(400, "Invalid integration ID", limits)
    return refuse(404, "Integration not found", limits)

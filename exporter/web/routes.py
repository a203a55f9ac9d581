"""
The paths of the exporter.

Adding a path is one entry in the table of `build_web`. Anything else is 404 with the list of paths; a wrong method is
405; a defect of ours is logged once with its traceback and answered 500 without it. HEAD works wherever GET does.
`POST /-/reload` is off unless the operator has enabled it, and never works from a page in a browser: that posts a form
to any address, and a name that points here for a moment makes a page of another site look like one of ours.
"""

import re
from collections.abc import Awaitable, Callable, Iterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route, request_response
from structlog.typing import FilteringBoundLogger

from exporter.web.integration_json import render_integration_json
from exporter.web.integration_page import IntegrationPage, read_days
from exporter.web.negotiate import COMMON_HEADERS, plain
from exporter.web.places import Maker, Places
from exporter.web.scrape import Scrape
from exporter.web.selection import narrow, read_selection
from exporter.web.status_json import dump_json, stream_status_json
from exporter.web.status_page import StatusPage
from exporter.web.streaming import stream_json
from exporter.web.view import IntegrationStatus, WebSources

_ANSWERS_AT_A_TIME = 8
"""Two Prometheus servers, a few people with curl, and some that hang."""

_PATH = re.compile(r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")

_OFF = "Reloading over HTTP is off: start the exporter with --web.enable-lifecycle, or send it SIGHUP.\n"
_BROWSER = "A page in a browser may not ask for a reload; use curl -X POST or SIGHUP.\n"
_UNKNOWN = "No such integration is watched; the status page (/) lists those that are.\n"
_SENT_BY_BROWSERS = ("origin", "sec-fetch-site")


def build_web(sources: WebSources, *, telemetry_path: str, log: FilteringBoundLogger) -> Starlette:
    """
    The exporter's ASGI application.

    Raises:
        ValueError: *telemetry_path* is no plain path, or one that is taken.
    """
    if not _PATH.fullmatch(telemetry_path):
        raise ValueError(f"telemetry path {telemetry_path!r} is not a plain path such as /metrics")
    pages = _Pages(sources, StatusPage(telemetry_path=telemetry_path))
    routes = [
        Route("/", _bounded(pages.status_page), methods=["GET"]),
        Route(telemetry_path, Places(Scrape(sources.render, sources.begun), limit=_ANSWERS_AT_A_TIME), methods=["GET"]),
        Route("/api/v1/status", _bounded(pages.status_json), methods=["GET"]),
        Route("/api/v1/schema", _bounded(pages.schema), methods=["GET"]),
        Route("/integrations/{workspace:path}/{id}", _bounded(pages.integration_page), methods=["GET"]),
        Route("/api/v1/integrations/{workspace:path}/{id}", _bounded(pages.integration_json), methods=["GET"]),
        Route("/config", _bounded(pages.config), methods=["GET"]),
        Route("/-/healthy", _probe(sources.unhealthy, "healthy")),
        Route("/-/ready", _probe(sources.unready, "ready")),
        Route("/-/reload", _build_reload(sources.reload), methods=["POST"]),
    ]
    if sum(route.path_regex.match(telemetry_path) is not None for route in routes) > 1:
        raise ValueError(f"telemetry path {telemetry_path!r} is taken by another page of the exporter")

    paths = "".join(f"  {route.path.replace(':path', '')}\n" for route in routes)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only; tells mypy
        headers = dict(error.headers or {})
        if error.status_code == 405:  # noqa: PLR2004 - the status of the protocol
            headers["allow"] = ", ".join(sorted(headers.pop("Allow").split(", ")))
            return plain(f"{request.method} is not allowed here; {headers['allow']} is.\n", 405, headers)
        return plain(f"There is nothing here. This exporter answers at:\n{paths}", error.status_code, headers)

    async def apologise(request: Request, error: Exception) -> Response:
        log.error("page failed", path=request.url.path, exc_info=error)
        return plain("The exporter failed to make this page; its log says why.\n", 500)

    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse, Exception: apologise})
    app.router.redirect_slashes = False
    return app


class _Pages:
    """Status and configuration. Rendering takes long with many integrations: in a thread each, one at a time."""

    def __init__(self, sources: WebSources, page: StatusPage) -> None:
        self._sources = sources
        self._page, self._integration_page = page, IntegrationPage()
        self._html, self._json, self._yaml = Maker("status page"), Maker("status JSON"), Maker("configuration")

    async def status_page(self, request: Request) -> Response:
        selection = read_selection(request.query_params)
        async with self._html.turn(request) as run:
            status = await self._sources.status()
            html = await run(lambda: self._page.render(status, selection))
        return _html(html, self._page.policy)

    async def status_json(self, request: Request) -> Response:
        selection = read_selection(request.query_params)
        status = await self._sources.status()

        def pieces() -> Iterator[str]:
            yield from stream_status_json(narrow(status, selection))

        return await stream_json(request, self._json, pieces())

    async def schema(self, request: Request) -> Response:
        async with self._json.turn(request) as run:
            document = await run(_schema)
        return Response(document, media_type="application/schema+json", headers=COMMON_HEADERS)

    async def integration_page(self, request: Request) -> Response:
        days, depth = read_days(request.query_params), request.scope["raw_path"].count(b"/")
        async with self._html.turn(request) as run:
            status = self._find(request)
            if status is None:
                return plain(_UNKNOWN, 404)
            html = await run(lambda: self._integration_page.render(status, days, "../" * (depth - 1)))
        return _html(html, self._integration_page.policy)

    async def integration_json(self, request: Request) -> Response:
        async with self._json.turn(request) as run:
            status = self._find(request)
            if status is None:
                return plain(_UNKNOWN, 404)
            document = await run(lambda: render_integration_json(status))
        return Response(document, media_type="application/json", headers=COMMON_HEADERS)

    def _find(self, request: Request) -> IntegrationStatus | None:
        """Return the integration that the path names. Either name may hold slashes."""
        return self._sources.integration("{workspace}/{id}".format_map(request.path_params))

    async def config(self, request: Request) -> Response:
        async with self._yaml.turn(request) as run:
            text = await run(self._sources.config)
        return Response(text.encode("utf-8", "replace"), media_type="text/yaml", headers=COMMON_HEADERS)


def _schema() -> str:
    from exporter.web.documents import schema  # noqa: PLC0415 - it takes its time, and few ask

    return dump_json(schema())


def _html(page: bytes, policy: str) -> Response:
    return HTMLResponse(page, headers={**COMMON_HEADERS, "content-security-policy": policy})


def _bounded(endpoint: Callable[[Request], Awaitable[Response]]) -> Places:
    return Places(request_response(endpoint), limit=_ANSWERS_AT_A_TIME)


def _probe(reasons: Callable[[], tuple[str, ...]], word: str) -> Callable[[Request], Awaitable[Response]]:
    async def probe(_request: Request) -> Response:
        if found := reasons():
            return plain("".join(f"{reason}\n" for reason in found), 503)
        return plain(f"{word}\n", 200)

    return probe


def _build_reload(
    reload: Callable[[], Awaitable[str | None]] | None,
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint for *reload*, as `WebSources` describes it; with None it always answers 403."""

    async def endpoint(request: Request) -> Response:
        if reload is None:
            return plain(_OFF, 403)
        if any(name in request.headers for name in _SENT_BY_BROWSERS):
            return plain(_BROWSER, 403)
        reason = await reload()
        if reason is not None:
            return plain(f"{reason}\n", 500)
        return plain("reloaded\n", 200)

    return endpoint

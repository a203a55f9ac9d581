"""
The paths the exporter answers, and what every answer has in common.

Adding a path is one entry in `_routes`. Anything else is 404 with the list of paths; a wrong method is 405; a defect
of ours is logged once with its traceback and answered 500 without it. HEAD works wherever GET does.
"""

import re
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.typing import FilteringBoundLogger

from exporter.web.scrape import Scrape
from exporter.web.view import WebSources

_SCRAPES_AT_A_TIME = 8
"""Two Prometheus servers, a few people with curl, and some that hang."""

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def build_web(sources: WebSources, *, telemetry_path: str, log: FilteringBoundLogger) -> Starlette:
    """
    The exporter's ASGI application.

    Raises:
        ValueError: *telemetry_path* is no plain path, or one that is taken.
    """
    routes = _routes(sources)
    taken = [route.path for route in routes]
    if not _PATH.fullmatch(telemetry_path) or telemetry_path in taken:
        raise ValueError(f"telemetry path {telemetry_path!r} is no plain path such as /metrics, or one of {taken}")
    routes.insert(0, Route(telemetry_path, Scrape(sources.render, limit=_SCRAPES_AT_A_TIME), methods=["GET"]))

    paths = "".join(f"  {route.path}\n" for route in routes)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only; tells mypy
        headers = dict(error.headers or {})
        if error.status_code == 405:  # noqa: PLR2004 - the status of the protocol
            headers["allow"] = ", ".join(sorted(headers.pop("Allow").split(", ")))
            return _plain(f"{request.method} is not allowed here; {headers['allow']} is.\n", 405, headers)
        return _plain(f"There is nothing here. This exporter answers at:\n{paths}", error.status_code, headers)

    async def apologise(request: Request, error: Exception) -> Response:
        log.error("page failed", path=request.url.path, exc_info=error)
        return _plain("The exporter failed to make this page; its log says why.\n", 500)

    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse, Exception: apologise})
    app.router.redirect_slashes = False
    return app


def _routes(sources: WebSources) -> list[Route]:
    return [
        Route("/-/healthy", _probe(sources.unhealthy, "healthy")),
        Route("/-/ready", _probe(sources.unready, "ready")),
    ]


def _probe(reasons: Callable[[], tuple[str, ...]], word: str) -> Callable[[Request], Awaitable[Response]]:
    async def probe(_request: Request) -> Response:
        if found := reasons():
            return _plain("".join(f"{reason}\n" for reason in found), 503)
        return _plain(f"{word}\n", 200)

    return probe


def _plain(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    common = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    return PlainTextResponse(text, status, {**common, **(headers or {})})

"""
`POST /-/reload`: asks for a reload of the configuration, and tells how it went.

Decides who may ask. Off unless the operator has allowed it; and never for a page of another site: a browser posts a
form anywhere for any page it shows, and says in `Origin` whose page that was. What reloading means is the app's.
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from exporter.web.answers import plain

_OFF = "Reloading over HTTP is off: start the exporter with --web.enable-lifecycle, or send it SIGHUP.\n"
_CROSS_SITE = "A page of another site may not ask for a reload: Origin and Host differ.\n"


def build_reload(
    reload: Callable[[], Awaitable[str | None]] | None,
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint for *reload*, as `WebSources` describes it; with None it refuses everyone."""

    async def endpoint(request: Request) -> Response:
        if reload is None:
            return plain(_OFF, 403)
        if _comes_from_another_site(request.headers):
            return plain(_CROSS_SITE, 403)
        reason = await reload()
        if reason is not None:
            return plain(f"{reason}\n", 500)
        return plain("reloaded\n", 200)

    return endpoint


def _comes_from_another_site(headers: Headers) -> bool:
    """Whether a browser says so; curl and the like send no Origin. The Origin `null` of a sandboxed page is another."""
    here = headers.get("host", "").lower()
    return any(origin.lower().partition("://")[2] != here for origin in headers.getlist("origin"))

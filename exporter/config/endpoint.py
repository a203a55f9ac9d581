"""
Which addresses may receive a workspace's API key, and where its dashboard and Grafana are.

Decides: https, except on loopback; an origin and nothing more; not the dashboard, not a misspelt Braze host. Hosts that
are not Braze's are accepted, because people put proxies in between. Must not ask the network.
Source: https://www.braze.com/docs/api/basics/#endpoints (read 2026).
"""

import ipaddress
import re
from collections.abc import Callable
from difflib import get_close_matches
from urllib.parse import urlsplit

from exporter.config.errors import WrongValueError
from exporter.domain.settings import WorkspaceSettings

INSTANCES = {
    **{f"US-{n:02}": f"rest.iad-{n:02}.braze.com" for n in range(1, 9)},
    "US-10": "rest.us-10.braze.com",
    **{f"EU-{n:02}": f"rest.fra-{n:02}.braze.eu" for n in (1, 2)},
    **{f"{country}-01": f"rest.{country.lower()}-01.braze.com" for country in ("AU", "ID", "JP", "KR")},
}
"""The REST host of each instance that Braze lists."""
KNOWN_HOSTS = tuple(INSTANCES.values())
_NUMBERED = {
    **{f"dashboard-{n:02}.braze.com": f"rest.iad-{n:02}.braze.com" for n in range(1, 9)},
    "dashboard-10.braze.com": "rest.us-10.braze.com",
    "dashboard.us-10.braze.com": "rest.us-10.braze.com",
    **{f"dashboard-{n:02}.braze.eu": f"rest.fra-{n:02}.braze.eu" for n in (1, 2)},
}
"""The dashboards whose name does not tell their instance's REST host; a later name is the newer one."""
_DASHBOARDS = {
    **{host: host.replace("rest.", "dashboard.", 1) for host in KNOWN_HOSTS},
    **{host: dashboard for dashboard, host in _NUMBERED.items()},
}
"""The dashboard of each instance that Braze lists, by its REST host."""

# New instances get new numbers, and new countries two letters: those need no new release of this exporter.
_BRAZE_REST = re.compile(r"rest\.(?:(?:iad|[a-z]{2})-[0-9]{2}\.braze\.com|fra-[0-9]{2}\.braze\.eu)")
_BRAZE = re.compile(r"(?:.*\.)?braze\.(?:com|eu)")
_NAMES_INSTANCE = re.compile(r"[a-z]+\.([a-z]{2,3}-[0-9]{2})\.")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+")
_HOST_AND_PORT = re.compile(r"[^/:]+:[0-9]+")
_DASHBOARD_REMEDY = "copy scheme and host from the browser's address of the dashboard"
_GRAFANA_REMEDY = "copy Grafana's address from the browser, up to where its pages begin"
_GRAFANA_PATH = re.compile(r"(?:/(?!\.+(?:/|$))[A-Za-z0-9._~-]+)*")
_GRAFANA_PAGE = re.compile(r"/(?:d|d-solo|dashboards|explore|alerting|login)(?=/|$)")
_PAGE = "the REST endpoint of each instance is on https://www.braze.com/docs/api/basics/#endpoints"


def parse_endpoint(text: str) -> str:
    """
    Return the origin that *text* names, in lower case and without a slash at its end.

    Raises:
        WrongValueError: The key must not be sent there. No part of *text* is quoted.

    """
    scheme, host, port = _split_origin(text, _PAGE, _check_host)
    if scheme != "https" and not (scheme == "http" and _is_loopback(host)):
        raise WrongValueError("is not https", "write `https://`; only a loopback address may do without")
    return _join(scheme, host, port)


def parse_dashboard(text: str) -> str:
    """
    Return the origin of a dashboard, for links alone: nothing is ever sent there.

    Raises:
        WrongValueError: It is none. No part of *text* is quoted.

    """
    return _join(*_split_origin(text, _DASHBOARD_REMEDY, _check_dashboard))


def parse_grafana(text: str) -> str:
    """
    Return the base of Grafana's addresses, for links alone: its origin, and the path below which a proxy has put it.

    Raises:
        WrongValueError: It is none. No part of *text* is quoted.

    """
    scheme, host, port, path = _split(text, _GRAFANA_REMEDY)
    if "?" in text or "#" in text:
        raise WrongValueError("has a query or a fragment", "remove everything from the `?` or `#` on")
    if page := _GRAFANA_PAGE.search(path):
        raise WrongValueError("is a page in Grafana", f"remove everything from `{page[0]}` on")
    base = path.removesuffix("/")
    if not _GRAFANA_PATH.fullmatch(base):
        raise WrongValueError("is not an address", _GRAFANA_REMEDY)
    return _join(scheme, host, port) + base


def find_dashboard(endpoint: str) -> str:
    """Return the dashboard of the instance whose REST endpoint this is; empty where Braze lists no such instance."""
    host = _DASHBOARDS.get(urlsplit(endpoint).hostname or "")
    return f"https://{host}" if host else ""


def dashboard_of(settings: WorkspaceSettings) -> str:
    """Return a workspace's dashboard, configured or that of its instance; empty where neither is known."""
    return settings.dashboard_url or find_dashboard(settings.rest_endpoint)


def find_instance(name: str) -> str:
    """
    Return the REST endpoint of the instance that *name* names, in upper or lower case.

    Raises:
        WrongValueError: Braze lists no such instance. No part of *name* is quoted.

    """
    host = INSTANCES.get(name.upper())
    if host is None:
        remedy = f"write one of {', '.join(INSTANCES)}, or give another's rest_endpoint instead"
        raise WrongValueError("is not a known Braze instance", remedy)
    return f"https://{host}"


def _split_origin(text: str, remedy: str, check: Callable[[str], None]) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an origin whose host *check* lets through."""
    scheme, host, port, path = _split(text, remedy)
    check(host)
    if path not in ("", "/") or "?" in text or "#" in text:
        raise WrongValueError("has more than a scheme and host", "remove everything after the host and the port")
    return scheme, host, port


def _split(text: str, remedy: str) -> tuple[str, str, int | None, str]:
    """Return scheme, host, port and path of an address that leads to the web and holds no password."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise WrongValueError("is not an address", remedy) from None
    if parts.scheme not in ("", "http", "https") and not _HOST_AND_PORT.fullmatch(text):
        raise WrongValueError("is neither http nor https", remedy)
    if not parts.scheme or "//" not in text:
        raise WrongValueError("has no scheme", "write `https://` before the host")
    if parts.username is not None or parts.password is not None:
        raise WrongValueError("contains a user or a password", "remove everything before the `@`")
    if not _HOST.fullmatch(host) or port == 0:
        raise WrongValueError("is not an address", remedy)
    return parts.scheme, host, port, parts.path


def _join(scheme: str, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")


def _check_dashboard(host: str) -> None:
    if _BRAZE_REST.fullmatch(host):
        known = _DASHBOARDS.get(host)
        remedy = f"did you mean https://{known}?" if known else _DASHBOARD_REMEDY
        raise WrongValueError("is the REST endpoint, not the dashboard", remedy)


def _check_host(host: str) -> None:
    if host.startswith("dashboard") and _BRAZE.fullmatch(host):
        raise WrongValueError("is the dashboard, not the REST endpoint", _suggestion(_same_instance(host)))
    if _BRAZE.fullmatch(host):
        if not _BRAZE_REST.fullmatch(host):
            raise WrongValueError(
                "is not a REST endpoint of Braze", _suggestion(_same_instance(host) or _closest(host, 0.8))
            )
        return
    almost = _closest(host, 0.95)  # one wrong or missing letter, which would send the key to strangers
    if almost is not None:
        raise WrongValueError("is almost a REST endpoint of Braze, but not one", _suggestion(almost))


def _same_instance(host: str) -> str | None:
    """The REST host of the instance whose dashboard, SDK or misplaced host this is, where the name tells it."""
    named = _NUMBERED.get(host)
    match = _NAMES_INSTANCE.match(host)
    return named or next((known for known in KNOWN_HOSTS if match and known.startswith(f"rest.{match[1]}.")), None)


def _closest(host: str, cutoff: float) -> str | None:
    return next(iter(get_close_matches(host, KNOWN_HOSTS, n=1, cutoff=cutoff)), None)


def _suggestion(host: str | None) -> str:
    return f"did you mean https://{host}? {_PAGE}" if host else _PAGE


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""
A running exporter, asked over HTTP by a command on the same host or elsewhere.

Knows no configuration: name and password come with the address and are sent to it only, past every proxy.
"""

import base64
import json
from http.client import HTTPException, InvalidURL
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from exporter.trust import build_client_context

THIS_HOST = "http://127.0.0.1:10273"
_PATIENCE_SECONDS = 10
_MOST_BYTES = 200_000_000
Document = dict[str, Any]
"""A JSON object as docs/http.md has it."""


class NoExporterError(Exception):
    """No exporter answers at an address as one does; the text says what there is."""


class _NoRedirects(HTTPRedirectHandler):
    """Follows none: urllib would send name and password to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        return None


class RunningExporter:
    """Whatever answers at *url*, such as `https://NAME:PASSWORD@HOST:10273`."""

    def __init__(self, url: str) -> None:
        self._shown = url.rpartition("@")[2] if "@" in url else url
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # half a bracket, or what is no port
            usable = False
        if not usable:
            raise self._no_address
        self._base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._headers = {}
        if parts.username is not None:
            pair = f"{parts.username}:{parts.password or ''}".encode(errors="surrogateescape")  # as it was typed
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._opener = build_opener(_NoRedirects(), ProxyHandler({}), HTTPSHandler(context=build_client_context()))

    def read(self, path: str) -> bytes:
        """
        Return what is at *path*.

        Raises:
            NoExporterError: Nothing is.

        """
        try:
            request = Request(self._base + path, headers=self._headers)  # noqa: S310 - the scheme was checked
            with self._opener.open(request, timeout=_PATIENCE_SECONDS) as answer:
                return bytes(answer.read(_MOST_BYTES))
        except HTTPError as error:
            raise NoExporterError(f"{self._shown} answers {error.code} to {path}") from error
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            reason = getattr(reason, "strerror", None) or reason
            raise NoExporterError(f"no exporter answers at {self._shown}: {reason}") from error
        except (InvalidURL, UnicodeError) as error:
            raise self._no_address from error
        except (HTTPException, ValueError) as error:  # no HTTP
            raise self._strange from error

    def integrations(self) -> list[tuple[str, Document]]:
        """
        Return every integration of `/api/v1/status` with its workspace's name.

        Raises:
            NoExporterError: What answers is no exporter.

        """
        try:
            return [
                (workspace["name"], integration)
                for workspace in self._document("/api/v1/status")["workspaces"]
                for integration in workspace["integrations"]
            ]
        except (KeyError, TypeError) as error:
            raise self._strange from error

    def integration(self, workspace: str, integration_id: str) -> Document:
        """Return one integration in depth; raises as `integrations` does."""
        return self._document(f"/api/v1/integrations/{quote(workspace, safe='')}/{quote(integration_id, safe='')}")

    def _document(self, path: str) -> Document:
        try:
            return dict(json.loads(self.read(path)))
        except (ValueError, TypeError) as error:
            raise self._strange from error

    @property
    def _no_address(self) -> NoExporterError:
        return NoExporterError(f"{self._shown} is not an address such as {THIS_HOST}")

    @property
    def _strange(self) -> NoExporterError:
        return NoExporterError(f"what answers at {self._shown} is not braze-cdi-exporter")

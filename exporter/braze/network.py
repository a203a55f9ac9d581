"""
The way to Braze: which proxy a request takes, and whose certificates are trusted beside the system's.

Decides what an entry of `no_proxy` stands for. Pure; reads no variable.
"""

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_ANY = "*"


@dataclass(frozen=True, slots=True)
class Network:
    """The surroundings of one workspace's connections."""

    proxy: str | None = field(default=None, repr=False)
    """The URL of an HTTP proxy, which may hold a password; None for none."""
    no_proxy: tuple[str, ...] = ()
    """Hosts, suffixes, addresses and networks that are connected to directly."""
    ca_file: str | None = None
    """Certificates in PEM that are trusted beside the system's."""
    ca_digest: bytes = field(default=b"", repr=False)
    """Of what was in that file, so that a renewed one is another network."""

    def proxy_for(self, origin: str) -> str | None:
        """
        Return the proxy for requests to *origin*, None for a direct connection.

        A proxy sees nothing of what HTTPS carries. Plain HTTP is allowed to loopback alone, and never takes a proxy,
        which would be given the key.
        """
        if self.proxy is None or not origin.startswith("https:") or self.exemption(origin) is not None:
            return None
        return self.proxy

    def exemption(self, origin: str) -> str | None:
        """Return the entry of `no_proxy` that *origin* falls under, if any."""
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port or 443
        return next((entry for entry in self.no_proxy if covers(entry, host, port)), None)


DIRECT = Network()
"""A direct connection, and the system's trust alone."""


def covers(entry: str, host: str, port: int) -> bool:
    """
    Whether an entry of `no_proxy` stands for a host, which may be an address.

    `example.com`, `.example.com` and `*.example.com` stand for the name and all below it, `10.0.0.0/8` and `fd00::/8`
    for the addresses of a network, an address for itself, `*` for everything. A port may follow: `example.com:8443`.
    """
    if entry == _ANY:
        return True
    entry, wanted = _split_port(entry.lower())
    if wanted is not None and wanted != port:
        return False
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        name = entry.removeprefix("*").lstrip(".").rstrip(".")
        host = host.lower().rstrip(".")
        return host == name or host.endswith(f".{name}")
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _split_port(entry: str) -> tuple[str, int | None]:
    """Split `host:port` and `[address]:port`; the colons of an address are none of a port."""
    if entry.startswith("["):
        entry, _, port = entry[1:].partition("]")
        port = port.removeprefix(":")
    elif entry.count(":") == 1:
        entry, _, port = entry.partition(":")
    else:
        port = ""
    return entry, int(port) if port.isdecimal() else None

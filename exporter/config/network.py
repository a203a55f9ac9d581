"""
The `network` blocks and the variables that are their defaults, as one value for each workspace.

Decides which of them wins, and what is wrong with a variable: no library reads one behind our back. Words for `check`.
"""

import ipaddress
import os
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from exporter.braze.network import Network
from exporter.config.errors import FieldError, WrongValueError, show_file
from exporter.config.files import about_file, read_small_file

OFF = "off"
"""In place of a proxy: none, whatever the variables say."""
MAX_CA_BYTES = 2**20
_PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_NO_PROXY_VARIABLES = ("no_proxy", "NO_PROXY")
_TRUST_VARIABLE, _TRUST_FOLDERS = "SSL_CERT_FILE", "SSL_CERT_DIR"
"""OpenSSL reads them, and ignores what it cannot use."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the variables say, where they can be used."""

    proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    proxy_variable: str = ""


def read_variables(environ: Mapping[str, str]) -> tuple[Defaults, tuple[FieldError, ...]]:
    """Return the defaults that the variables give, and what is wrong with them. An empty variable is unset."""
    errors: list[FieldError] = []
    exempt: tuple[str, ...] = ()
    proxy, variable = None, next((name for name in _PROXY_VARIABLES if environ.get(name)), "")
    try:
        proxy = check_proxy(environ[variable]) if variable else None
    except WrongValueError as error:
        errors.append(_of_variable(variable, error.problem, f"{error.remedy}, or set network.proxy"))
    named = next((name for name in _NO_PROXY_VARIABLES if environ.get(name)), "")
    try:
        exempt = check_no_proxy(environ.get(named, ""))
    except WrongValueError as error:
        errors.append(_of_variable(named, error.problem, f"{error.remedy}, or set network.no_proxy"))
    try:
        if environ.get(_TRUST_VARIABLE):
            check_ca_file(environ[_TRUST_VARIABLE])
    except WrongValueError as error:
        errors.append(_of_variable(_TRUST_VARIABLE, error.problem, error.remedy))
    for folder in environ.get(_TRUST_FOLDERS, "").split(os.pathsep):
        if folder and not Path(folder).is_dir():
            problem = f"{folder} is not a directory, or does not exist"
            errors.append(_of_variable(_TRUST_FOLDERS, problem, "name a directory with certificates, or unset it"))
    return Defaults(proxy, exempt, variable), tuple(errors)


def build_network(
    proxy: SecretStr | None, no_proxy: list[str] | None, ca_file: str, directory: Path, defaults: Defaults
) -> Network:
    """Return the network of a workspace by the keys that are given, else by *defaults*."""
    path = str(directory / ca_file) if ca_file else None
    return Network(
        proxy=defaults.proxy if proxy is None else _unless_off(proxy.get_secret_value()),
        no_proxy=defaults.no_proxy if no_proxy is None else tuple(no_proxy),
        ca_file=path,
        ca_digest=_digest(path),
    )


def are_renewed(networks: Iterable[Network]) -> bool:
    """Whether a file of authorities has another content than when it was loaded."""
    loaded = {(network.ca_file, network.ca_digest) for network in networks}
    return any(_digest(path) != digest for path, digest in loaded)


def describe(name: str, origin: str, network: Network) -> Iterator[str]:
    """Yield what `check` says of a workspace's network, where there is anything to say."""
    if network.proxy is not None:
        exemption = network.exemption(origin)
        if network.proxy_for(origin) is not None:
            yield f"{name}: network: through the proxy {without_password(network.proxy)}"
        elif exemption is not None:
            yield f"{name}: network: direct, by `{exemption}` of no_proxy"
        else:
            yield f"{name}: network: direct, as plain HTTP takes no proxy"
    if network.ca_file is not None:
        yield f"{name}: network: trusts {show_file(network.ca_file)} beside the system's authorities"


def without_password(proxy: str) -> str:
    """Return a proxy's URL with scheme, host and port alone."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def check_proxy(text: str) -> str:
    """
    Return the URL of a proxy; a host and port alone are one of HTTP.

    Raises:
        WrongValueError: It cannot be used. The text does not quote it.

    """
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or any(character.isspace() or not character.isprintable() for character in url):
        raise WrongValueError("is not the URL of a proxy", "write for example http://proxy.example.org:3128")
    if parts.scheme.startswith("socks"):
        raise WrongValueError("is a SOCKS proxy, which is not supported", "name an HTTP proxy")
    if parts.scheme not in {"http", "https"}:
        raise WrongValueError("has a scheme that is not supported", "write http:// or https://")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise WrongValueError("has more than host and port", "write for example http://proxy.example.org:3128")
    default = 443 if parts.scheme == "https" else 80
    return url.rstrip("/") if port is not None else f"{url.rstrip('/')}:{default}"


def check_no_proxy(text: str) -> tuple[str, ...]:
    """
    Return the entries of a list with commas or blanks between them.

    Raises:
        WrongValueError: One of them can stand for nothing.

    """
    return tuple(check_exemption(entry) for entry in text.replace(",", " ").split())


def check_exemption(entry: str) -> str:
    """
    Return an entry of `no_proxy`.

    Raises:
        WrongValueError: It can stand for nothing.

    """
    if "://" in entry:
        raise WrongValueError("contains a URL", "write the host alone, such as example.org")
    if "/" in entry:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError:
            raise WrongValueError(
                "contains something that is not a network", "write for example 10.0.0.0/8 or fd00::/8"
            ) from None
    if "*" in entry.removeprefix("*") or (not entry.strip(".*[]:") and entry != "*"):
        raise WrongValueError(
            "contains an entry that matches no host", "write a host, `.suffix`, address, network or `*`"
        )
    return entry


def check_ca_file(path: str) -> None:
    """
    Read certificates once, to see that they can be.

    Raises:
        WrongValueError: The file is not readable, or holds no certificate.

    """
    try:
        read_small_file(path, most_bytes=MAX_CA_BYTES)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except WrongValueError as error:
        raise about_file(path, error) from None
    except (ssl.SSLError, OSError):
        raise about_file(
            path, WrongValueError("contains no certificate in PEM", "name the file with the authority's certificate")
        ) from None


def _digest(path: str | None) -> bytes:
    """Return what tells the content of a file from another; nothing of one that cannot be read."""
    if path is not None:
        with suppress(WrongValueError):
            return sha256(read_small_file(path, most_bytes=MAX_CA_BYTES)[0]).digest()
    return b""


def _unless_off(proxy: str) -> str | None:
    return None if proxy == OFF else check_proxy(proxy)


def _of_variable(name: str, problem: str, remedy: str) -> FieldError:
    return FieldError("the environment", None, name, problem, remedy)

"""
TLS for the exporter's own server: from settings to a context that serves by them.

Decides which certificates and keys are rejected and which setting is to blame: OpenSSL's messages name neither file nor
remedy. Knows nothing of the web configuration's format, nor of connections.
"""

import ipaddress
import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from exporter.config.errors import WrongValueError
from exporter.config.files import about_file, explain_os_error

_MISMATCH = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})


@dataclass(frozen=True, slots=True)
class Pem:
    """Certificates or a key: in the file at *path*, or *text*; *key* of the web configuration names it."""

    key: str
    path: str | None = None
    text: SecretStr | None = None

    @contextmanager
    def opened(self) -> Iterator[str]:
        """Yield a path for OpenSSL, which reads files only; a text never gets on a disk."""
        if self.text is None:
            yield self.path or ""
            return
        descriptor = os.memfd_create("pem")
        try:
            os.write(descriptor, self.text.get_secret_value().encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)

    def error(self, problem: str, remedy: str) -> "TlsError":
        """Blame it."""
        if self.path is None:
            return TlsError(self.key, problem, remedy)
        about = about_file(self.path, WrongValueError(problem, remedy))
        return TlsError(self.key, about.problem, about.remedy)

    def unreadable(self, error: OSError) -> "TlsError":
        """Blame it for an error of the system."""
        explained = explain_os_error(error)
        return self.error(explained.problem, explained.remedy)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The settings of a TLS context."""

    cert: Pem
    """The server's certificate and the intermediate ones after it."""
    key: Pem
    client_ca: Pem | None = None
    """Certificates of those who sign clients; None for the system's."""
    client_verification: ssl.VerifyMode = ssl.CERT_NONE
    client_names: frozenset[str] = frozenset()
    """One of them must stand among the alternative names of a client's certificate; empty for any."""
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    latest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    """Of TLS 1.2, as OpenSSL calls them, the best first; empty for OpenSSL's own choice."""
    prefer_own_ciphers: bool = True
    curve: str | None = None
    """For key exchange, as OpenSSL calls it; None for OpenSSL's own choice."""


class TlsError(WrongValueError):
    """TLS is not possible with these settings; *key* is the key of the web configuration to blame."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        self.key = key
        super().__init__(problem, remedy)


class ServerContext(ssl.SSLContext):
    """A TLS context that also knows which clients are served, beyond what OpenSSL verifies."""

    client_names: frozenset[str] = frozenset()

    def serves(self, certificate: Any) -> bool:
        """Whether a client is served that has shown *certificate*, as `SSLObject.getpeercert` returns it."""
        names = {_one_spelling(name) for _, name in (certificate or {}).get("subjectAltName", ())}
        return not self.client_names or not names.isdisjoint(self.client_names)


def _one_spelling(name: str) -> str:
    """Write an IP address in one way; leave any other name as it is."""
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name


def build_tls_context(settings: TlsSettings) -> ServerContext:
    """
    Read the files as they are now, and return a context for a server, which keeps them.

    Raises:
        TlsError: A certificate or key cannot be used. The text names it and the next step, never its content.

    """
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = settings.oldest, settings.latest
    context.options |= ssl.OP_NO_RENEGOTIATION  # costs the server far more than the client
    if not settings.prefer_own_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.ciphers:
        try:
            context.set_ciphers(":".join(settings.ciphers))
        except ssl.SSLError:
            raise TlsError("cipher_suites", "names none that OpenSSL supports here", "leave it out") from None
    if settings.curve is not None:
        try:
            context.set_ecdh_curve(settings.curve)
        except (ValueError, ssl.SSLError):
            raise TlsError(
                "curve_preferences", "names one that OpenSSL does not support here", "leave it out"
            ) from None
    _load_certificate(context, settings)
    if settings.client_ca is not None:
        _load_authorities(context, settings.client_ca)
    elif settings.client_verification is not ssl.CERT_NONE:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = settings.client_verification
    context.client_names = frozenset(map(_one_spelling, settings.client_names))
    return context


def _load_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    # Loading the pair tells a file without a certificate from one without a key by line numbers in C alone.
    _load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings.cert)
    asked: list[bool] = []

    def refuse_passphrase() -> str:
        """Answer in place of the person at the terminal, whom OpenSSL would ask."""
        asked.append(True)
        return ""

    with ExitStack() as stack:
        cert, key = stack.enter_context(settings.cert.opened()), stack.enter_context(settings.key.opened())
        try:
            context.load_cert_chain(cert, key, password=refuse_passphrase)
        except ssl.SSLError as error:
            raise _blame(settings, error.reason, encrypted=bool(asked)) from None
        except OSError as error:
            raise settings.key.unreadable(error) from None


def _blame(settings: TlsSettings, reason: str | None, *, encrypted: bool) -> TlsError:
    if encrypted:
        remedy = "write it without: `openssl pkey -in FILE -out FILE`"
        return settings.key.error("is protected by a passphrase", remedy)
    if reason in _MISMATCH:
        problem = f"does not belong to the certificate in {settings.cert.key}"
        return settings.key.error(problem, "name the key that the certificate was made for")
    if reason:
        problem = f"is refused by OpenSSL: {reason.replace('_', ' ').lower()}"
        remedy = "make a certificate with SHA-256 and an RSA key of 2048 bits or more"
        return settings.cert.error(problem, remedy)
    return settings.key.error("contains no private key in PEM", "name the file with the key")


def _load_authorities(context: ssl.SSLContext, pem: Pem) -> None:
    with pem.opened() as path:
        try:
            context.load_verify_locations(cafile=path)
        except ssl.SSLError:
            raise pem.error("contains no certificate in PEM", "name the file with the certificate") from None
        except OSError as error:
            raise pem.unreadable(error) from None

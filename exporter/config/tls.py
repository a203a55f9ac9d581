"""
TLS for the exporter's own server: from settings to a context that serves by them.

Decides which files are rejected and which setting is to blame: OpenSSL's messages name neither file nor remedy. Knows
nothing of the web configuration's format, nor of connections.
"""

import ssl
from dataclasses import dataclass

from exporter.config.errors import WrongValueError
from exporter.config.files import about_file, explain_os_error

_MISMATCH = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The settings of a TLS context."""

    cert_file: str
    """The server's certificate and the intermediate ones after it, in PEM."""
    key_file: str
    client_ca_file: str | None = None
    """Certificates of those who sign clients; not None unless *client_verification* is `CERT_NONE`."""
    client_verification: ssl.VerifyMode = ssl.CERT_NONE
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    latest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    """Of TLS 1.2, as OpenSSL calls them, the best first; empty for OpenSSL's own choice."""
    prefer_own_ciphers: bool = True


class TlsError(WrongValueError):
    """TLS is not possible with these settings; *key* is the key of the web configuration to blame."""

    def __init__(self, key: str, problem: str, remedy: str) -> None:
        self.key = key
        super().__init__(problem, remedy)


def build_tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """
    Read the files as they are now, and return a context for a server, which keeps them.

    Raises:
        TlsError: A file cannot be used. The text names the file and the next step, never its content.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = settings.oldest, settings.latest
    context.options |= ssl.OP_NO_RENEGOTIATION  # costs the server far more than the client
    if not settings.prefer_own_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.ciphers:
        try:
            context.set_ciphers(":".join(settings.ciphers))
        except ssl.SSLError:
            raise TlsError("cipher_suites", "names none that OpenSSL offers here", "leave it out") from None
    _load_certificate(context, settings)
    if settings.client_ca_file is not None:
        _load_authorities(context, "client_ca_file", settings.client_ca_file)
    context.verify_mode = settings.client_verification
    return context


def _load_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    # Loading the pair tells a file without a certificate from one without a key by line numbers in C alone.
    _load_authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "cert_file", settings.cert_file)
    asked: list[bool] = []

    def refuse_passphrase() -> str:
        """Answer in place of the person at the terminal, whom OpenSSL would ask."""
        asked.append(True)
        return ""

    try:
        context.load_cert_chain(settings.cert_file, settings.key_file, password=refuse_passphrase)
    except ssl.SSLError as error:
        raise _blame(settings, error.reason, encrypted=bool(asked)) from None
    except OSError as error:
        raise _unreadable("key_file", settings.key_file, error) from None


def _blame(settings: TlsSettings, reason: str | None, *, encrypted: bool) -> TlsError:
    if encrypted:
        remedy = "write it without: `openssl pkey -in FILE -out FILE`"
        return _file_error("key_file", settings.key_file, "is protected by a passphrase", remedy)
    if reason in _MISMATCH:
        problem = "does not belong to the certificate in cert_file"
        return _file_error("key_file", settings.key_file, problem, "name the key that the certificate was made for")
    if reason:
        problem = f"is refused by OpenSSL: {reason.replace('_', ' ').lower()}"
        remedy = "make a certificate with SHA-256 and an RSA key of 2048 bits or more"
        return _file_error("cert_file", settings.cert_file, problem, remedy)
    return _file_error("key_file", settings.key_file, "holds no private key in PEM", "name the file with the key")


def _load_authorities(context: ssl.SSLContext, key: str, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise _file_error(key, path, "holds no certificate in PEM", "name the file with the certificate") from None
    except OSError as error:
        raise _unreadable(key, path, error) from None


def _unreadable(key: str, path: str, error: OSError) -> TlsError:
    explained = explain_os_error(error)
    return _file_error(key, path, explained.problem, explained.remedy)


def _file_error(key: str, path: str, problem: str, remedy: str) -> TlsError:
    about = about_file(path, WrongValueError(problem, remedy))
    return TlsError(key, about.problem, about.remedy)

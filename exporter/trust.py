"""
Whose certificates connections of ours trust: the system's authorities, and those that are named.

Not by `ssl.create_default_context`: where SSLKEYLOGFILE is set, it writes to that file what decrypts a connection, and
with it the API key, or fails.
"""

import functools
import ssl
import sys
import threading

_loading = threading.Lock()


def build_client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """
    Return the system's trust and that in *ca_file*, to be shared: loading it takes tens of milliseconds.

    Raises:
        OSError: The file cannot be read, or holds no certificate (ssl.SSLError).

    """
    if ca_file is None:
        with _loading:
            return _load_system()
    context = _load()
    context.load_verify_locations(cafile=ca_file)
    return context


def load_early() -> None:
    """Load the system's trust in a thread of its own: OpenSSL needs no interpreter, which imports modules meanwhile."""
    threading.Thread(target=build_client_context, name="trust", daemon=True).start()


def has_authorities() -> bool:
    """
    Whether the system's trust names any authority in its file.

    OpenSSL takes all of a file or nothing, and says neither. Those in a directory are read when they are asked for.
    """
    return build_client_context().cert_store_stats()["x509"] > 0


@functools.cache
def _load_system() -> ssl.SSLContext:
    return _load()


def _load() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name, from TLS 1.2 on
    if sys.version_info >= (3, 13):  # as its default context does
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_default_certs()
    return context

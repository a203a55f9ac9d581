"""
Whose certificates connections of ours trust: the system's authorities, and those that are named.

Not by `ssl.create_default_context`: where SSLKEYLOGFILE is set, it writes to that file what decrypts a connection, and
with it the API key, or fails.
"""

import ssl
import sys


def build_client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """
    Return the system's trust and that in *ca_file*, to be shared: loading it takes tens of milliseconds.

    Raises:
        OSError: The file cannot be read, or holds no certificate (ssl.SSLError).

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name, from TLS 1.2 on
    if sys.version_info >= (3, 13):  # as its default context does
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context

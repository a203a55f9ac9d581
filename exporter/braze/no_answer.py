"""Why no answer came, in words: the reason that the system, TLS or a proxy gives, and a remedy. Knows no request."""

import errno
import os
import ssl


def describe(error: BaseException) -> str:
    """Name the system's or TLS's own reason, or else the kind of error, and a remedy; never what httpcore quotes."""
    kind = type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            remedy = _REMEDIES.get(cause.verify_code, _TRUST)
            return f"its certificate is not trusted ({cause.verify_message}); {remedy}"
        if isinstance(cause, OSError) and (reason := _reason(cause)):
            return f"{reason}; {_CHECK}"
        cause = cause.__cause__ or cause.__context__
    if kind == "ProxyError" and str(error).startswith("407"):
        return "the proxy asks for a password; write network.proxy as http://user:password@host:port"
    words = {
        "RemoteProtocolError": "the connection ended mid-answer, or the answer was not HTTP",
        "ReadError": "the connection was lost",
        "ConnectError": "no connection",
        "ProxyError": f"the proxy refused ({str(error)[:3] if str(error)[:3].isdecimal() else 'no reason given'})",
    }
    return f"{words.get(kind, kind)}; {_CHECK}"


def _reason(error: OSError) -> str | None:
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or 'no reason given'})"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)  # asyncio's own text has the address instead of the reason
    return error.strerror


_CHECK = "check the endpoint, DNS, proxy and firewall"
_TRUST = (
    "if your proxy inspects TLS, set network.ca_file to its authority's certificate; "
    "otherwise check rest_endpoint and the system's authorities"
)
_REMEDIES = {
    9: "check this machine's clock",
    10: "check this machine's clock; if it is right, renew the certificate of your proxy or of rest_endpoint",
    62: "check rest_endpoint: the certificate is for another host",
}
"""By OpenSSL's code: not yet valid, expired, of another host."""

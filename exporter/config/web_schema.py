"""
The web configuration file's keys: the part of exporter-toolkit's format that this exporter can honour.

Decides what is known, one key at a time, and which keys of exporter-toolkit are not supported: each of those is a
mistake that says so, as leaving it out in silence could leave a door open.
Source: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md (read 2026).
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from exporter.config.mistakes import WrongValueError, did_you_mean
from exporter.config.schema import Section
from exporter.config.values import Text

VERSIONS = ("TLS12", "TLS13")
"""From the oldest; what is older than TLS 1.2 has been broken for years, and OpenSSL refuses it."""
NO_CLIENT_CERTIFICATE = "NoClientCert"
CLIENT_AUTH_TYPES = (NO_CLIENT_CERTIFICATE, "VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
CIPHER_SUITES = {
    f"TLS_ECDHE_{kind}_WITH_{cipher}": f"ECDHE-{kind}-{openssl}"
    for kind in ("ECDSA", "RSA")
    for cipher, openssl in (
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    )
}
"""The suites of TLS 1.2 that can be chosen: Go's name for each, and OpenSSL's."""
COSTS = range(4, 15)
"""Beyond them, checking one password takes seconds. The lowest is bcrypt's own; htpasswd gives 5 unless told."""

# Salt and hash are 16 and 23 bytes; the bits that their last letters have too many are 0.
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")


def _one_of(known: Collection[str], remedy: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text in known:
            return text
        raise WrongValueError("is not a value that is supported", did_you_mean(text, known) or remedy)

    return check


def _check_client_auth_type(text: str) -> str:
    if text in _UNVERIFIED:
        raise WrongValueError(
            "is not supported: it takes any certificate without verifying it", "write RequireAndVerifyClientCert"
        )
    return _one_of(CLIENT_AUTH_TYPES, "leave it out, or write RequireAndVerifyClientCert")(text)


def _check_user(name: str) -> str:
    if ":" in name:
        raise WrongValueError(
            "has a colon in it, which no user of basic authentication can have", "choose another name"
        )
    return name


def _check_hash(secret: SecretStr) -> SecretStr:
    match = _BCRYPT.fullmatch(secret.get_secret_value())
    if match is None:
        raise WrongValueError("is not a bcrypt hash", "make one: `htpasswd -nBC 10 \"\" | tr -d ':\\n'`")
    if int(match[1]) not in COSTS:
        raise WrongValueError(f"has a cost that is not from {COSTS[0]} to {COSTS[-1]}", "make one of cost 10")
    return secret


TlsVersion = Annotated[Text, AfterValidator(_one_of(VERSIONS, "write TLS12 or TLS13"))]
CipherSuite = Annotated[Text, AfterValidator(_one_of(CIPHER_SUITES, "take those in docs/web-configuration.md"))]
UserName = Annotated[Text, AfterValidator(_check_user)]
PasswordHash = Annotated[SecretStr, AfterValidator(_check_hash)]


class TlsServerConfig(Section):
    unsupported: ClassVar[Mapping[str, str]] = {
        "cert": "put it in a file of its own and name that by cert_file",
        "key": "put it in a file of its own and name that by key_file",
        "client_ca": "put it in a file of its own and name that by client_ca_file",
        "client_allowed_sans": "remove it, and name by client_ca_file a CA that signs none but these clients",
        "curve_preferences": "remove it",
    }

    cert_file: Text = Field(examples=["server.crt"])
    key_file: Text = Field(examples=["server.key"])
    client_auth_type: Annotated[Text, AfterValidator(_check_client_auth_type)] = Field(
        default=NO_CLIENT_CERTIFICATE, examples=["RequireAndVerifyClientCert"]
    )
    client_ca_file: Text = Field(default="", examples=["clients-ca.crt"])
    min_version: TlsVersion = Field(default=VERSIONS[0], examples=["TLS13"])
    max_version: TlsVersion = Field(default=VERSIONS[-1], examples=["TLS13"])
    cipher_suites: list[CipherSuite] = Field(default=[], examples=["[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"])
    prefer_server_cipher_suites: bool = Field(default=True, examples=["true"])


class WebConfigFile(Section):
    shown_in: ClassVar[str] = "the example in docs/web-configuration.md"
    unsupported: ClassVar[Mapping[str, str]] = {
        "http_server_config": "remove it; for HTTP/2 or headers of your own put a proxy in front",
        "rate_limit": "remove it; for a limit put a proxy in front",
    }

    tls_server_config: TlsServerConfig | None = None
    basic_auth_users: dict[UserName, PasswordHash] = Field(default={}, examples=["{prometheus: $2y$10$...}"])

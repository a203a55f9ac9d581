"""
From the web configuration file to TLS and users for the exporter's own server, or to all of the file's errors.

Decides which part of exporter-toolkit's format is supported; every other key of it is an error that says so, as
ignoring it could leave a door open. So is a file that secures nothing: it may be truncated. Does not know how passwords
are checked or connections made.
Source: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md (read 2026).
"""

import re
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, SecretBytes, SecretStr, ValidationError

from exporter.config.errors import ConfigError, WrongValueError, did_you_mean
from exporter.config.explain import Finding, explain
from exporter.config.files import about_file, read_small_file
from exporter.config.schema import Section
from exporter.config.tls import TlsError, TlsSettings, build_tls_context
from exporter.config.values import Text, is_text
from exporter.config.yaml_reader import read_document

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
"""Beyond them, checking one password takes seconds. The lowest is bcrypt's own; htpasswd's default is 5."""

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


MAX_BYTES = 2**20
"""Several times the bundle of all the authorities that a browser trusts."""
_TLS = "tls_server_config"
_FILES = ("cert_file", "key_file", "client_ca_file")
_VERIFICATION = dict(zip(CLIENT_AUTH_TYPES, (ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED), strict=True))
_TLS_VERSION = dict(zip(VERSIONS, (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), strict=True))


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the exporter's own server is secured."""

    tls: ssl.SSLContext | None = None
    """None to serve without TLS."""
    users: Mapping[str, SecretBytes] = field(default_factory=dict)
    """The bcrypt hash of each user's password; empty to ask nobody for one."""


def load_web_config(path: str) -> WebConfig:
    """
    Read the web configuration file at *path*, and every file that it names; relative ones are looked up beside it.

    Call it again for renewed certificates: a TLS context loaded before stays as it is.

    Raises:
        ConfigError: It cannot be used; it holds every error with file, line, key and remedy.

    """
    document = read_document(path)
    directory = Path(path).parent
    findings: list[Finding] = list(_broken_rules(document.content, directory))
    parsed = None
    try:
        parsed = WebConfigFile.model_validate(document.content)
    except ValidationError as error:
        findings += explain(error, WebConfigFile)
    settings, tls = None, None
    if not any(where[:1] == (_TLS,) for where, *_ in findings):
        settings = _tls_settings(document.content, directory)
    try:
        tls = build_tls_context(settings) if settings is not None else None
    except TlsError as error:
        findings.append(((_TLS, error.key), error.problem, error.remedy))
    errors = [*document.errors, *(document.error_at(*finding) for finding in findings)]
    if parsed is None or errors:
        raise ConfigError(errors)
    users = {name: SecretBytes(secret.get_secret_value().encode()) for name, secret in parsed.basic_auth_users.items()}
    return WebConfig(tls=tls, users=users)


def _broken_rules(content: Any, directory: Path) -> Iterator[Finding]:
    if not isinstance(content, dict):
        return
    if not content:
        yield (), "asks for neither TLS nor a password", "begin with the example in docs/web-configuration.md"
    if content.get("basic_auth_users") == {}:
        yield ("basic_auth_users",), "names no user", "add one: `name: hash`"
    if _TLS in content and content[_TLS] is None:
        yield (_TLS,), "has no value", "write cert_file and key_file under it, or remove it"
    tls = content.get(_TLS)
    if not isinstance(tls, dict):
        return
    yield from _client_rules(tls)
    versions = [tls.get("min_version", VERSIONS[0]), tls.get("max_version", VERSIONS[-1])]
    if versions == [VERSIONS[-1], VERSIONS[0]]:
        yield (_TLS, "max_version"), "is older than min_version", f"write {VERSIONS[-1]}, or leave one of them out"
    for key in _FILES:
        named = tls.get(key)
        if isinstance(named, str) and is_text(named):
            try:
                read_small_file(str(directory / named), most_bytes=MAX_BYTES)
            except WrongValueError as error:
                about = about_file(str(directory / named), error)
                yield (_TLS, key), about.problem, about.remedy


def _client_rules(tls: dict[str, Any]) -> Iterator[Finding]:
    kind = tls.get("client_auth_type", NO_CLIENT_CERTIFICATE)
    if kind not in CLIENT_AUTH_TYPES:
        return
    if kind == NO_CLIENT_CERTIFICATE and "client_ca_file" in tls:
        remedy = "set `client_auth_type: RequireAndVerifyClientCert` beside it"
        yield (_TLS, "client_ca_file"), "does nothing while no client needs a certificate", remedy
    if kind != NO_CLIENT_CERTIFICATE and "client_ca_file" not in tls:
        remedy = "name by client_ca_file the certificates of those who sign clients"
        yield (_TLS, "client_auth_type"), "needs client_ca_file", remedy


def _tls_settings(content: Any, directory: Path) -> TlsSettings | None:
    """Return the settings of a section that neither schema nor rules find fault with; None where there is none."""
    if not isinstance(content, dict) or _TLS not in content:
        return None
    tls = TlsServerConfig.model_validate(content[_TLS])
    return TlsSettings(
        cert_file=str(directory / tls.cert_file),
        key_file=str(directory / tls.key_file),
        client_ca_file=str(directory / tls.client_ca_file) if tls.client_ca_file else None,
        client_verification=_VERIFICATION[tls.client_auth_type],
        oldest=_TLS_VERSION[tls.min_version],
        latest=_TLS_VERSION[tls.max_version],
        ciphers=tuple(CIPHER_SUITES[name] for name in tls.cipher_suites),
        prefer_own_ciphers=tls.prefer_server_cipher_suites,
    )

"""
From the web configuration file to TLS and users for the exporter's own server, or to all of the file's errors.

Decides which part of exporter-toolkit's format is supported; every other key of it is an error that says so, as
ignoring it could leave a door open. Does not know how passwords are checked or connections made.
Source: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md (read 2026).
"""

import re
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes, SecretStr, ValidationError

from exporter.config.errors import ConfigError, WrongValueError, did_you_mean
from exporter.config.explain import Finding, explain
from exporter.config.files import about_file, read_small_file
from exporter.config.schema import Section
from exporter.config.tls import Pem, TlsError, TlsSettings, build_tls_context
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
        ("AES_128_CBC_SHA", "AES128-SHA"),
        ("AES_256_CBC_SHA", "AES256-SHA"),
    )
} | dict.fromkeys(("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"))
"""Go's name for each suite that it has for secure, and OpenSSL's; None for those of TLS 1.3, which are always offered,
as Go does."""
CURVES = {"X25519": "X25519", "CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1"}
"""Go's name for each curve, and OpenSSL's."""
HEADERS: dict[str, tuple[str, ...]] = {
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
    "Content-Security-Policy": (),
}
"""The headers that can be set, with the values that are allowed; none where any is."""
COSTS = range(4, 15)
"""Beyond them, checking one password takes seconds. The lowest is bcrypt's own; htpasswd's default is 5."""

# Salt and hash are 16 and 23 bytes; the bits that their last letters have too many are 0.
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]")
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")


def _one_of(known: Collection[str], remedy: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text in known:
            return text
        raise WrongValueError("is not a supported value", did_you_mean(text, known) or remedy)

    return check


def _check_client_auth_type(text: str) -> str:
    if text in _UNVERIFIED:
        raise WrongValueError(
            "is not supported: Python's TLS verifies every certificate that it asks for",
            "write RequireAndVerifyClientCert",
        )
    return _one_of(CLIENT_AUTH_TYPES, "leave it out, or write RequireAndVerifyClientCert")(text)


def _check_user(name: str) -> str:
    if ":" in name:
        raise WrongValueError("has a colon, which basic authentication does not allow in a user", "choose another name")
    return name


def _check_hash(secret: SecretStr) -> SecretStr:
    match = _BCRYPT.fullmatch(secret.get_secret_value())
    if match is None:
        raise WrongValueError("is not a bcrypt hash", "make one: `htpasswd -nBC 10 \"\" | tr -d ':\\n'`")
    if int(match[1]) not in COSTS:
        raise WrongValueError(f"has a cost that is not from {COSTS[0]} to {COSTS[-1]}", "make one of cost 10")
    return secret


TlsVersion = Annotated[Text, AfterValidator(_one_of(VERSIONS, "write TLS12 or TLS13"))]
CipherSuite = Annotated[Text, AfterValidator(_one_of(CIPHER_SUITES, "use those in docs/web-configuration.md"))]
UserName = Annotated[Text, AfterValidator(_check_user)]
PasswordHash = Annotated[SecretStr, AfterValidator(_check_hash)]


def _check_curves(names: list[str]) -> list[str]:
    if len(set(names)) not in {0, 1, len(CURVES)}:
        raise WrongValueError(
            "names more than one and not all: Python's TLS can be limited to one, or offers all",
            "name the best one, or leave it out",
        )
    return names


def _check_http2(wanted: bool) -> bool:
    if wanted:
        raise WrongValueError("is not supported: HTTP/1.1 is served", "write false, or put a proxy in front")
    return wanted


def _as_text(value: Any) -> Any:
    """Take a number for text, as exporter-toolkit does: `X-XSS-Protection: 1`."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not value.isascii():
            raise WrongValueError(f"has characters in {name} that a header cannot hold", "write ASCII")
        if HEADERS[name] and value.lower() not in HEADERS[name]:
            raise WrongValueError(f"has a value of {name} that is not allowed", f"write {' or '.join(HEADERS[name])}")
    return headers


Curve = Annotated[Text, AfterValidator(_one_of(CURVES, f"use one of {', '.join(CURVES)}"))]
HeaderName = Annotated[Text, AfterValidator(_one_of(HEADERS, f"use one of {', '.join(HEADERS)}"))]
HeaderValue = Annotated[Text, BeforeValidator(_as_text)]


class TlsServerConfig(Section):
    cert_file: Text = Field(default="", examples=["server.crt"])
    cert: SecretStr | None = Field(default=None, examples=["|"])
    key_file: Text = Field(default="", examples=["server.key"])
    key: SecretStr | None = Field(default=None, examples=["|"])
    client_auth_type: Annotated[Text, AfterValidator(_check_client_auth_type)] = Field(
        default=NO_CLIENT_CERTIFICATE, examples=["RequireAndVerifyClientCert"]
    )
    client_ca_file: Text = Field(default="", examples=["clients-ca.crt"])
    client_ca: SecretStr | None = Field(default=None, examples=["|"])
    client_allowed_sans: list[Text] = Field(default=[], examples=["[prometheus.example.org]"])
    min_version: TlsVersion = Field(default=VERSIONS[0], examples=["TLS13"])
    max_version: TlsVersion = Field(default=VERSIONS[-1], examples=["TLS13"])
    cipher_suites: list[CipherSuite] = Field(default=[], examples=["[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"])
    prefer_server_cipher_suites: bool = Field(default=True, examples=["true"])
    curve_preferences: Annotated[list[Curve], AfterValidator(_check_curves)] = Field(default=[], examples=["[X25519]"])


class HttpServerConfig(Section):
    http2: Annotated[bool, AfterValidator(_check_http2)] = Field(default=False, examples=["false"])
    headers: Annotated[dict[HeaderName, HeaderValue], AfterValidator(_check_headers)] = Field(
        default={}, examples=["{X-Frame-Options: deny}"]
    )


class WebConfigFile(Section):
    shown_in: ClassVar[str] = "the example in docs/web-configuration.md"
    unsupported: ClassVar[Mapping[str, str]] = {
        "rate_limit": "remove it; for a limit put a proxy in front",
    }

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig | None = None
    basic_auth_users: dict[UserName, PasswordHash] = Field(default={}, examples=["{prometheus: $2y$10$...}"])


MAX_BYTES = 2**20
"""Several times the bundle of all the authorities that a browser trusts."""
_TLS = "tls_server_config"
_PEMS = ("cert", "key", "client_ca")
"""Each may be given by its key, or by the key of a file."""
_VERIFICATION = dict(zip(CLIENT_AUTH_TYPES, (ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED), strict=True))
_TLS_VERSION = dict(zip(VERSIONS, (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), strict=True))


@dataclass(frozen=True, slots=True)
class WebConfig:
    """How the exporter's own server is secured."""

    tls: ssl.SSLContext | None = None
    """None to serve without TLS."""
    users: Mapping[str, SecretBytes] = field(default_factory=dict)
    """The bcrypt hash of each user's password; empty to ask nobody for one."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Added to every answer, in place of ours of the same name."""


def load_web_config(path: str) -> WebConfig:
    """
    Read the web configuration file at *path*, and every file that it names; relative ones are looked up beside it.

    Call it again for renewed certificates: a TLS context loaded before stays as it is.

    Raises:
        ConfigError: It cannot be used; it holds every error with file, line, key and remedy.

    """
    document = read_document(path)
    content = {} if document.content is None else document.content
    directory = Path(path).parent
    findings: list[Finding] = list(_broken_rules(content, directory))
    parsed = None
    try:
        parsed = WebConfigFile.model_validate(content)
    except ValidationError as error:
        findings += explain(error, WebConfigFile)
    settings, tls = None, None
    if not any(where[:1] == (_TLS,) for where, *_ in findings):
        settings = _tls_settings(content, directory)
    try:
        tls = build_tls_context(settings) if settings is not None else None
    except TlsError as error:
        findings.append(((_TLS, error.key), error.problem, error.remedy))
    errors = [*document.errors, *(document.error_at(*finding) for finding in findings)]
    if parsed is None or errors:
        raise ConfigError(errors)
    users = {name: SecretBytes(secret.get_secret_value().encode()) for name, secret in parsed.basic_auth_users.items()}
    http = parsed.http_server_config
    return WebConfig(tls=tls, users=users, headers=http.headers if http is not None else {})


def _broken_rules(content: Any, directory: Path) -> Iterator[Finding]:
    if not isinstance(content, dict):
        return
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
    yield from _pem_rules(tls)
    for key in (f"{pem}_file" for pem in _PEMS):
        named = tls.get(key)
        if isinstance(named, str) and is_text(named):
            try:
                read_small_file(str(directory / named), most_bytes=MAX_BYTES)
            except WrongValueError as error:
                about = about_file(str(directory / named), error)
                yield (_TLS, key), about.problem, about.remedy


def _pem_rules(tls: dict[str, Any]) -> Iterator[Finding]:
    for key in _PEMS:
        file = f"{key}_file"
        if key in tls and file in tls:
            yield (_TLS, key), f"is given together with {file}", "give one of the two"
        if key not in tls and file not in tls and key != "client_ca":
            yield (_TLS, file), "is missing", f"write for example `{file}: server.{'crt' if key == 'cert' else 'key'}`"


def _client_rules(tls: dict[str, Any]) -> Iterator[Finding]:
    kind = tls.get("client_auth_type", NO_CLIENT_CERTIFICATE)
    if kind not in CLIENT_AUTH_TYPES:
        return
    remedy = f"set `client_auth_type: {CLIENT_AUTH_TYPES[-1]}` next to it"
    for key in ("client_ca_file", "client_ca"):
        if kind == NO_CLIENT_CERTIFICATE and key in tls:
            yield (_TLS, key), "does nothing while no client needs a certificate", remedy
    if kind != CLIENT_AUTH_TYPES[-1] and "client_allowed_sans" in tls:
        yield (_TLS, "client_allowed_sans"), "does nothing for a client without a certificate", remedy


def _tls_settings(content: Any, directory: Path) -> TlsSettings | None:
    """Return the settings of a section that neither schema nor rules find fault with; None where there is none."""
    if not isinstance(content, dict) or _TLS not in content:
        return None
    tls = TlsServerConfig.model_validate(content[_TLS])

    def pem(key: str, text: SecretStr | None, file: str) -> Pem:
        return Pem(key, text=text) if text is not None else Pem(f"{key}_file", str(directory / file))

    ciphers = tuple(openssl for name in tls.cipher_suites if (openssl := CIPHER_SUITES[name]) is not None)
    only_latest = bool(tls.cipher_suites) and not ciphers
    return TlsSettings(
        cert=pem("cert", tls.cert, tls.cert_file),
        key=pem("key", tls.key, tls.key_file),
        client_ca=pem("client_ca", tls.client_ca, tls.client_ca_file) if tls.client_ca or tls.client_ca_file else None,
        client_verification=_VERIFICATION[tls.client_auth_type],
        client_names=frozenset(tls.client_allowed_sans),
        oldest=_TLS_VERSION[VERSIONS[-1] if only_latest else tls.min_version],
        latest=_TLS_VERSION[tls.max_version],
        ciphers=ciphers,
        prefer_own_ciphers=tls.prefer_server_cipher_suites,
        curve=CURVES[tls.curve_preferences[0]] if len(set(tls.curve_preferences)) == 1 else None,
    )

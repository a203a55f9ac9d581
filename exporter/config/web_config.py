"""
From the web configuration file to TLS and users for the exporter's own server, or to all of the file's mistakes.

Decides, as `load.py` does for the other file, the order of things, and the rules between keys. A file that secures
nothing is a mistake: it may be one that was cut short. Must not know how passwords are checked or connections made.
"""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretBytes, ValidationError

from exporter.config.document import read_document
from exporter.config.explain import Finding, explain
from exporter.config.files import about_file, read_small_file
from exporter.config.mistakes import ConfigError, WrongValueError
from exporter.config.tls import TlsError, TlsSettings, build_tls_context
from exporter.config.values import is_text
from exporter.config.web_schema import (
    CIPHER_SUITES,
    CLIENT_AUTH_TYPES,
    NO_CLIENT_CERTIFICATE,
    VERSIONS,
    TlsServerConfig,
    WebConfigFile,
)

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

    Call it again to take renewed certificates: what was loaded before stays as it is.

    Raises:
        ConfigError: It cannot be used; it holds every mistake with file, line, key and remedy.

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
    mistakes = [*document.mistakes, *(document.mistake(*finding) for finding in findings)]
    if parsed is None or mistakes:
        raise ConfigError(mistakes)
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
        newest=_TLS_VERSION[tls.max_version],
        ciphers=tuple(CIPHER_SUITES[name] for name in tls.cipher_suites),
        prefer_own_ciphers=tls.prefer_server_cipher_suites,
    )

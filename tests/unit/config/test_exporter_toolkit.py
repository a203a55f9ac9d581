"""
Which of exporter-toolkit's own test files this exporter takes, by the same cases in files of ours.

Source: https://github.com/prometheus/exporter-toolkit/tree/master/web/testdata and tls_config_test.go (read 2026).
"""

import re
from collections.abc import Callable

import pytest

from exporter.config.errors import ConfigError
from exporter.config.web import CIPHER_SUITES, CURVES, load_web_config
from tests.certificates import write_certificates

HASH = "$2b$04$pN3Jsy5sXEekXtLsACVbvu7QIB.2ggM4mHMUfvDH7yTUqvl9ar8R."
USERS = f"basic_auth_users:\n  alice: {HASH}\n  bob: {HASH}\n"
CERT, KEY = "  cert_file: server.crt\n", "  key_file: server.key\n"
TLS = f"tls_server_config:\n{CERT}{KEY}"
IF_GIVEN = f"{TLS}  client_auth_type: VerifyClientCertIfGiven\n"
VERIFIED = f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"
ANY = f"{TLS}  client_auth_type: RequireAnyClientCert\n"
SUITES = f"{IF_GIVEN}  cipher_suites: "
CURVE = f"{IF_GIVEN}  curve_preferences: "
SOME = "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n"
CBC = "[TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n"
HEADERS = "http_server_config:\n  headers: "

TAKEN_BY_BOTH = {
    "web_config_empty.yml": "",
    "web_config_users_noTLS.good.yml": USERS,
    "web_config_users.good.yml": IF_GIVEN + USERS,
    "web_config_noAuth.good.yml": IF_GIVEN,
    "web_config_noAuth.good.blocking.yml": f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n",
    "web_config_noAuth_tlsInline.good.yml": "tls_server_config:\n  cert: |\n{cert}  key: |\n{key}",
    "web_config_noAuth_allCiphers.good.yml": f"{SUITES}[{', '.join(CIPHER_SUITES)}]\n",
    "web_config_noAuth_someCiphers.good.yml": SUITES + SOME,
    "web_config_noAuth_someCiphers_noOrder.good.yml": f"{SUITES}{SOME}  prefer_server_cipher_suites: false\n",
    "web_config_noAuth_allCurves.good.yml": f"{CURVE}[{', '.join(CURVES)}]\n",
    "web_config_noAuth_someCurves.good.yml": f"{CURVE}[CurveP521]\n  min_version: TLS13\n",
    "web_config_noAuth_noHTTP2.good.yml": f"{SUITES}{CBC}http_server_config: {{http2: false}}\n",
    "web_config_headers.good.yml": (
        f"{HEADERS}\n    X-Frame-Options: deny\n    X-XSS-Protection: 1\n    X-Content-Type-Options: nosniff\n"
        "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
        "    Content-Security-Policy: default-src 'self'\n"
    ),
    "tls_config_noAuth.requireandverifyclientcert.good.yml": VERIFIED,
    "web_config_auth_client_san.good.yaml": f"{VERIFIED}  client_allowed_sans: [test3]\n",
    "web_config_auth_client_san.bad.yaml": f"{VERIFIED}  client_allowed_sans: [bad]\n",
}
UNVERIFIED = "Python's TLS verifies every certificate that it asks for"
RATE = "for a limit put a proxy in front"
REFUSED_HERE = {
    "tls_config_noAuth.requireanyclientcert.good.yml": (ANY, UNVERIFIED),
    "tls_config_noAuth.requireanyclientcertkeyinline.good.yml": (ANY.replace(KEY, "  key: |\n{key}"), UNVERIFIED),
    "web_config_rate_limiter_nonblocking.yaml": ("rate_limit: {interval: 0s}\n", RATE),
    "web_config_rate_limiter_one_second.yaml": ("rate_limit: {interval: 1s, burst: 5}\n", RATE),
}
NO_VALUE = "is not a supported value"
REFUSED_BY_BOTH = {
    "web_config_noAuth_noHTTP2Cipher.bad.yml": (f"{SUITES}{CBC}http_server_config: {{http2: true}}\n", "HTTP/1.1"),
    "web_config_junk.yml": ("hasdbasd\n", "must be a mapping"),
    "web_config_junk_key.yml": ("tls_servr: 1\n", "is not a known key"),
    "web_config_noAuth_certPath_empty.bad.yml": (f"tls_server_config:\n  cert_file: ''\n{KEY}", "is empty"),
    "web_config_noAuth_cert_empty.bad.yml": (f"tls_server_config:\n  cert: ''\n{KEY}", "contains no certificate"),
    "web_config_noAuth_keyPath_empty.bad.yml": (f"tls_server_config:\n{CERT}  key_file: ''\n", "is empty"),
    "web_config_noAuth_key_empty.bad.yml": (f"tls_server_config:\n{CERT}  key: ''\n", "contains no private key"),
    "web_config_noAuth_certPath_keyPath_empty.bad.yml": (
        "tls_server_config: {cert_file: '', key_file: ''}",
        "is empty",
    ),
    "web_config_noAuth_certPath_invalid.bad.yml": (f"tls_server_config:\n  cert_file: x\n{KEY}", "does not exist"),
    "web_config_noAuth_keyPath_invalid.bad.yml": (f"tls_server_config:\n{CERT}  key_file: x\n", "does not exist"),
    "web_config_noAuth_certPath_keyPath_invalid.bad.yml": (
        "tls_server_config: {cert_file: x, key_file: y}",
        "does not exist",
    ),
    "web_config_noAuth.bad.yml": (f"{TLS}  client_ca_file: ca.crt\n", "while no client needs a certificate"),
    "web_config_auth_clientCAs_invalid.bad.yml": (VERIFIED.replace("ca.crt", "somefile"), "does not exist"),
    "web_config_auth_user_list_invalid.bad.yml": ("basic_auth_users:\n  john: doe\n", "is not a bcrypt hash"),
    "web_config_noAuth_inventedCiphers.bad.yml": (f"{SUITES}[TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA2048]\n", NO_VALUE),
    "web_config_noAuth_inventedCurves.bad.yml": (f"{CURVE}[CurveP257]\n", NO_VALUE),
    "web_config_noAuth_wrongTLSVersion.bad.yml": (f"{IF_GIVEN}  min_version: TLS111\n", NO_VALUE),
    "web_config_headers_content_type_options.bad.yml": (f"{HEADERS}{{X-Content-Type-Options: bad}}\n", "not allowed"),
    "web_config_headers_frame_options.bad.yml": (f"{HEADERS}{{X-Frame-Options: bad}}\n", "not allowed"),
    "web_config_headers_extra_header.bad.yml": (f"{HEADERS}{{Server: apache}}\n", NO_VALUE),
}


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return what writes a web configuration beside certificates, with those where a text has their place."""
    directory = tmp_path_factory.mktemp("web")
    write_certificates(directory)
    pems = {
        key: re.sub("^", "    ", (directory / f"server.{ending}").read_text().strip(), flags=re.MULTILINE) + "\n"
        for key, ending in (("{cert}", "crt"), ("{key}", "key"))
    }

    def write(text: str) -> str:
        for place, pem in pems.items():
            text = text.replace(place, pem)
        (directory / "web.yml").write_text(text)
        return str(directory / "web.yml")

    return write


@pytest.mark.parametrize("name", TAKEN_BY_BOTH)
def test_their_files_are_taken(name: str, write: Callable[[str], str]) -> None:
    config = load_web_config(write(TAKEN_BY_BOTH[name]))
    assert (config.tls is not None) == ("tls_server_config" in TAKEN_BY_BOTH[name])


@pytest.mark.parametrize("name", [*REFUSED_HERE, *REFUSED_BY_BOTH])
def test_what_cannot_be_done_or_makes_no_sense_is_refused_with_its_reason(
    name: str, write: Callable[[str], str]
) -> None:
    text, reason = {**REFUSED_HERE, **REFUSED_BY_BOTH}[name]
    with pytest.raises(ConfigError, match=re.escape(reason)):
        load_web_config(write(text))

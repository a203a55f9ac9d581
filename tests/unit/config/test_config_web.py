import contextlib
import shutil
import ssl
from pathlib import Path

import pytest
import trustme

from exporter.config.errors import ConfigError
from exporter.config.tls import Pem, TlsError, TlsSettings, build_tls_context
from exporter.config.web import CURVES, WebConfig, load_web_config
from tests.certificates import write_certificates

DATA = Path(__file__).resolve().parents[2] / "data" / "web_config"
HASH = "$2b$04$pN3Jsy5sXEekXtLsACVbvu7QIB.2ggM4mHMUfvDH7yTUqvl9ar8R."
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def authority(directory: Path) -> trustme.CA:
    return write_certificates(directory)


@pytest.fixture
def file(directory: Path, authority: trustme.CA) -> Path:
    return directory / "web.yaml"


def load(file: Path, text: str) -> WebConfig:
    file.write_text(text)
    return load_web_config(str(file))


def errors_of(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_web_config(str(file))
    return [str(error).replace(f"{file}", "").replace(f"{file.parent}/", "") for error in caught.value.errors]


def handshake(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Let two ends shake hands in memory; whatever one of them objects to is raised."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    for end in (client, server) * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    client.write(b"x")
    server.read(1)  # with TLS 1.3 a client learns only now that its certificate was missed
    return server, client


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("bad", sorted((DATA / "bad").glob("*.yaml")), ids=lambda bad: bad.stem)
def test_a_bad_web_configuration_gets_exactly_the_message_beside_it(bad: Path, file: Path) -> None:
    shutil.copy(bad, file)
    assert errors_of(file) == [bad.read_text().splitlines()[0].removeprefix("# expect: ")]


def test_there_are_bad_web_configurations_to_judge_by() -> None:
    assert len(list((DATA / "bad").glob("*.yaml"))) > 40


def test_all_errors_come_at_once_in_the_order_of_the_file(file: Path) -> None:
    file.write_text(
        "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n  min_version: TLS11\n  key: x\n"
        "rate_limit: {}\nbasic_auth_users:\n  one: plain\n  two:\n"
    )
    assert [error.split(": ")[:2] for error in errors_of(file)] == [
        [":2", "tls_server_config.cert_file"],
        [":3", "tls_server_config.key_file"],
        [":4", "tls_server_config.min_version"],
        [":5", "tls_server_config.key"],
        [":6", "rate_limit"],
        [":8", "basic_auth_users.one"],
        [":9", "basic_auth_users.two"],
    ]


def test_files_that_do_not_fit_are_told_together_with_errors_elsewhere(file: Path) -> None:
    file.write_text(TLS.replace("server.key", "other.key") + "basic_auth_users: {}\n")
    assert [error.split(": ")[1] for error in errors_of(file)] == [
        "tls_server_config.key_file",
        "basic_auth_users",
    ]


def test_users_keep_their_hashes_and_no_repr_shows_them(file: Path) -> None:
    config = load(file, (DATA / "good" / "users.yaml").read_text())
    assert config.tls is None
    assert config.users["prometheus"].get_secret_value() == HASH.encode()
    assert set(config.users) == {"prometheus", "grafana.agent@example.org"}
    assert "pN3Jsy5sXEekXtLsACVbvu" not in repr(config)


@pytest.mark.parametrize("written", ["correct-horse", f"{HASH}x", "[correct-horse]", "{correct-horse: 1}"])
def test_no_message_quotes_what_stands_in_place_of_a_hash(file: Path, written: str) -> None:
    file.write_text(f"basic_auth_users:\n  prometheus: {written}\n")
    (error,) = errors_of(file)
    assert "correct-horse" not in error
    assert HASH not in error


def test_relative_files_are_looked_up_beside_the_web_configuration(
    file: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    config = load(file, TLS)
    assert config.tls is not None
    assert config.users == {}
    _, client = handshake(config.tls, trusting(authority))
    assert client.version() == "TLSv1.3"


def test_versions_and_cipher_suites_are_those_that_were_chosen(file: Path, authority: trustme.CA) -> None:
    text = (
        (DATA / "good" / "everything.yaml").read_text().replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    )
    config = load(file, text)
    assert config.tls is not None
    _, client = handshake(config.tls, trusting(authority))
    assert client.version() == "TLSv1.2"
    cipher = client.cipher()
    assert cipher is not None
    assert cipher[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    assert not config.tls.options & ssl.OP_CIPHER_SERVER_PREFERENCE


def test_certificates_may_stand_in_the_file_itself(file: Path, authority: trustme.CA) -> None:
    pems = {
        key: "".join(f"    {line}\n" for line in (file.parent / name).read_text().splitlines())
        for key, name in (("cert", "server.crt"), ("key", "server.key"), ("client_ca", "ca.crt"))
    }
    inline = "".join(f"  {key}: |\n{pem}" for key, pem in pems.items())
    config = load(file, f"tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n{inline}")
    assert "PRIVATE" not in repr(config)
    assert config.tls is not None
    known = trusting(authority)
    authority.issue_cert("client").configure_cert(known)
    handshake(config.tls, known)


def test_a_client_is_verified_by_the_authorities_of_the_system_where_none_are_named(
    file: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(file.parent / "ca.crt"))
    config = load(file, f"{TLS}  client_auth_type: VerifyClientCertIfGiven\n")
    assert config.tls is not None
    handshake(config.tls, trusting(authority))
    known, stranger = trusting(authority), trusting(authority)
    authority.issue_cert("client").configure_cert(known)
    handshake(config.tls, known)
    trustme.CA().issue_cert("client").configure_cert(stranger)
    with pytest.raises(ssl.SSLError):
        handshake(config.tls, stranger)


@pytest.mark.parametrize(("curve", "shared"), [("CurveP384", True), ("CurveP521", False)])
def test_only_the_curve_that_was_chosen_is_offered(file: Path, authority: trustme.CA, curve: str, shared: bool) -> None:
    config = load(file, f"{TLS}  curve_preferences: [CurveP384]\n")
    client = trusting(authority)
    client.set_ecdh_curve(CURVES[curve])
    assert config.tls is not None
    with contextlib.nullcontext() if shared else pytest.raises(ssl.SSLError):
        handshake(config.tls, client)


def test_suites_of_tls_13_alone_leave_no_other_version(file: Path) -> None:
    config = load(file, f"{TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n")
    assert config.tls is not None
    assert config.tls.minimum_version is ssl.TLSVersion.TLSv1_3


def test_an_old_version_is_refused_where_only_the_new_one_is_wanted(file: Path, authority: trustme.CA) -> None:
    config = load(file, f"{TLS}  min_version: TLS13\n")
    client = trusting(authority)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert config.tls is not None
    with pytest.raises(ssl.SSLError):
        handshake(config.tls, client)


def test_a_client_must_show_a_certificate_of_the_right_authority(file: Path, authority: trustme.CA) -> None:
    config = load(file, f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n")
    assert config.tls is not None
    with pytest.raises(ssl.SSLError):
        handshake(config.tls, trusting(authority))
    stranger = trusting(authority)
    trustme.CA().issue_cert("client").configure_cert(stranger)
    with pytest.raises(ssl.SSLError):
        handshake(config.tls, stranger)
    known = trusting(authority)
    authority.issue_cert("client").configure_cert(known)
    server, _ = handshake(config.tls, known)
    assert server.getpeercert()


def test_a_certificate_that_was_renewed_is_served_once_it_was_loaded_again(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    config = load(tmp_path / "web.yaml", TLS)
    renewed = write_certificates(tmp_path)
    assert config.tls is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(config.tls, trusting(renewed))
    config = load(tmp_path / "web.yaml", TLS)
    assert config.tls is not None
    handshake(config.tls, trusting(renewed))


def pair(directory: Path) -> tuple[Pem, Pem]:
    return Pem("cert_file", str(directory / "server.crt")), Pem("key_file", str(directory / "server.key"))


def test_a_file_that_has_gone_since_is_named(tmp_path: Path) -> None:
    settings = TlsSettings(*pair(tmp_path))
    write_certificates(tmp_path)
    (tmp_path / "server.key").unlink()
    with pytest.raises(TlsError, match=r"server\.key does not exist \(create it or correct the path\)") as key:
        build_tls_context(settings)
    (tmp_path / "server.crt").unlink()
    with pytest.raises(TlsError, match=r"server\.crt does not exist \(create it or correct the path\)") as certificate:
        build_tls_context(settings)
    assert (key.value.key, certificate.value.key) == ("key_file", "cert_file")


def test_cipher_suites_that_openssl_does_not_have_are_refused(file: Path) -> None:
    settings = TlsSettings(*pair(file.parent), ciphers=("NO-SUCH",))
    with pytest.raises(TlsError, match="names none that OpenSSL supports here"):
        build_tls_context(settings)


def test_a_file_far_too_large_for_a_certificate_is_not_read(file: Path) -> None:
    (file.parent / "large.crt").write_bytes(bytes(2**20 + 1))
    file.write_text(TLS.replace("server.crt", "large.crt"))
    (error,) = errors_of(file)
    assert "the file large.crt is larger than 1,048,576 bytes" in error

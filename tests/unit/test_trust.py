"""The system's trust is loaded once, whoever asks for it first, and never by way of what others have named."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from exporter import trust


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[ssl.SSLContext]:
    """What is loaded while the test runs, as in a process that has just begun."""
    loaded: list[ssl.SSLContext] = []
    load = trust._load

    def counted() -> ssl.SSLContext:
        loaded.append(load())
        return loaded[-1]

    monkeypatch.setattr(trust, "_load", counted)
    trust._load_system.cache_clear()
    return loaded


def test_all_who_ask_at_once_share_one(loads: list[ssl.SSLContext]) -> None:
    trust.load_early()
    with ThreadPoolExecutor(8) as pool:
        contexts = list(pool.map(lambda _: trust.build_client_context(), range(32)))
    assert {id(context) for context in contexts} == {id(loads[0])}
    assert len(loads) == 1


def test_an_authority_that_is_named_is_trusted_by_its_own_context_alone(
    loads: list[ssl.SSLContext], tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    system, ours = trust.build_client_context(), trust.build_client_context(str(tmp_path / "ca.pem"))
    assert loads == [system, ours]
    assert len(ours.get_ca_certs()) == len(system.get_ca_certs()) + 1


def test_certificates_and_host_names_are_checked(loads: list[ssl.SSLContext]) -> None:
    context = trust.build_client_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.keylog_filename is None
    assert loads == [context]

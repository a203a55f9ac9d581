"""docs/web-configuration.md names every key there is, with its default, and none that is not; what it shows is true."""

import re
import subprocess
from pathlib import Path

from exporter.config.web import CIPHER_SUITES, CLIENT_AUTH_TYPES, COSTS, TlsServerConfig, WebConfigFile, load_web_config
from tests.certificates import write_certificates
from tests.components import component

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "web-configuration.md").read_text()
BAD = ROOT / "tests" / "data" / "web_config" / "bad"
IN_WORDS = {"cipher_suites": "OpenSSL's", "curve_preferences": "OpenSSL's"}


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def test_every_key_is_documented_with_its_default_and_none_else() -> None:
    documented = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| [^|]+ \| ([^|]+) \|", DOCUMENT, re.MULTILINE))
    existing = dict.fromkeys(WebConfigFile.model_fields, "none")
    existing |= {"http_server_config.http2": "`false`", "http_server_config.headers": "none"}
    for name, field in TlsServerConfig.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        shown = IN_WORDS.get(name, f"`{default}`" if default else "none")
        existing[f"tls_server_config.{name}"] = shown
    assert documented == existing


def test_every_key_that_is_not_supported_is_documented() -> None:
    section = DOCUMENT[DOCUMENT.index("## What exporter-toolkit has besides") :]
    for name in (*WebConfigFile.unsupported, *TlsServerConfig.unsupported):
        assert f"`{name}`" in section


def test_every_value_that_can_be_chosen_is_documented_and_none_else() -> None:
    assert set(re.findall(r"`(TLS_\w+)`", DOCUMENT)) == set(CIPHER_SUITES)
    assert set(CLIENT_AUTH_TYPES) <= set(re.findall(r"`(\w+)`", DOCUMENT))
    assert f"Costs from {COSTS[0]} to {COSTS[-1]} are accepted" in DOCUMENT


def test_the_example_loads(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    (tmp_path / "web.yaml").write_text(examples("yaml")[0])
    config = load_web_config(str(tmp_path / "web.yaml"))
    assert config.tls is not None
    assert list(config.users) == ["prometheus"]


def test_every_message_that_is_shown_is_one_that_a_bad_file_gets() -> None:
    (block,) = examples("text")
    given = {file.read_text().splitlines()[0].removeprefix("# expect: ") for file in BAD.glob("*.yaml")}
    assert {line.removeprefix("web.yaml") for line in block.splitlines()} <= given


def test_prometheus_takes_the_scrape_configuration(tmp_path: Path) -> None:
    write_certificates(tmp_path)
    (tmp_path / "braze-cdi-exporter-password").write_text("password\n")
    (tmp_path / "prometheus.yml").write_text(examples("yaml")[1])
    promtool = component("promtool")
    run = subprocess.run([promtool, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()

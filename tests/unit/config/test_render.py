from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.config.keys import HIDDEN
from exporter.config.load import Config, load_config
from exporter.config.render import render_config
from exporter.domain.settings import WorkspaceSettings

GOOD = Path(__file__).resolve().parents[2] / "data" / "config" / "good"
KEY = "11111111-2222-3333-4444-555555555555"
ENVIRON = {"BRAZE_API_KEY": KEY}
HEAD = "workspaces:\n- name: production\n  rest_endpoint: https://rest.iad-03.braze.com\n"


def settings_of(config: Config) -> tuple[WorkspaceSettings, ...]:
    return tuple(workspace.settings for workspace in config.workspaces)


def load_text(directory: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> Config:
    (directory / "key.txt").write_text(KEY)
    (directory / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(str(directory / "config.yaml"), environ=environ)


def test_the_smallest_configuration_is_shown_with_every_default() -> None:
    assert (
        render_config(load_config(str(GOOD / "smallest.yaml"), environ={}))
        == """history: 90d
workspaces:
- name: production
  rest_endpoint: https://rest.iad-03.braze.com
  api_key: <secret>
  poll:
    interval: 1m
    timeout: 20s
    stale_after: 10m
    max_pages: 20
    verify_after: 1h
  limits:
    failed_syncs: 1
    failed_rows: auto
    start_delay: auto
    sync_duration: auto
    lag: auto
    success_age: auto
    rows_synced: auto
    sensitivity: medium
  rate_limit:
    job_sync_status: 100
    integrations: 50
    share: 0.8
  network:
    proxy: 'off'
    no_proxy: []
  integrations:
  - id: 00000000-0000-0000-0000-000000000000
  discovery:
    enabled: false
    include: []
    exclude: []
"""
    )


def test_what_was_given_is_shown_as_it_was_given() -> None:
    shown = render_config(load_config(str(GOOD / "everything.yaml"), environ=ENVIRON))
    for line in (
        "grafana_url: https://ops.example.org/grafana",
        "  api_key_env: BRAZE_API_KEY",
        "  api_key_file: key.txt",
        "    interval: 1d",
        "    stale_after: 1h30m",
        '    name: users "and" Käufe',
        "    expected_interval: 1h30m",
        "    timezone: Europe/Berlin",
        "      cost_centre: '12'",
        "    - ^prod",
        "    - (?i)test",
    ):
        assert line in shown.splitlines()


@pytest.mark.parametrize("good", sorted(GOOD.glob("*.yaml")), ids=lambda good: good.stem)
def test_what_is_shown_loads_to_the_same_settings_once_the_secret_is_back(good: Path, tmp_path: Path) -> None:
    config = load_config(str(good), environ=ENVIRON)
    shown = render_config(config)
    assert not [workspace for workspace in config.workspaces if workspace.key.read() in shown]
    again = load_text(tmp_path, shown.replace(HIDDEN, KEY))
    assert settings_of(again) == settings_of(config)
    assert render_config(again) == shown


@pytest.mark.parametrize(
    "source", [f"api_key: {KEY}", f"api_key_file: {KEY}/braze", f"api_key_env: {KEY}", f"api_key_file: {KEY}.txt"]
)
def test_a_key_is_hidden_wherever_it_stands(source: str, tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir()
    for name in (f"{KEY}/braze", f"{KEY}.txt"):
        (tmp_path / name).write_text(KEY)
    config = load_text(tmp_path, f"{HEAD}  {source}\n  integrations: [{{id: a}}]\n", {KEY: KEY})
    shown = render_config(config)
    assert f"  {source.partition(':')[0]}: {HIDDEN}\n" in shown
    assert KEY not in shown


def test_text_that_yaml_takes_for_something_else_stays_text(tmp_path: Path) -> None:
    given = ["123", "true", "2026-01-01", "=", "<<", "a: b", "- a", "# a", "é\ufeff", "*a", "~", "'", "x" * 490]
    labels = "".join(f"        label_{n}: {text!r}\n" for n, text in enumerate(given) if text not in ("'", "é\ufeff"))
    text = f"{HEAD}  api_key: {KEY}\n  integrations:\n    - id: '123'\n      labels:\n{labels}        quote: \"'\"\n"
    config = load_text(tmp_path, text + '        mark: "é\\uFEFF"\n')
    again = load_text(tmp_path, render_config(config).replace(HIDDEN, KEY))
    assert settings_of(again) == settings_of(config)
    assert {value for _, value in again.workspaces[0].settings.integrations[0].labels} == set(given)


def test_no_workspace_is_named_twice_or_left_out() -> None:
    config = load_config(str(GOOD / "proxy.yaml"), environ=ENVIRON)
    shown = render_config(config)
    names = [line.removeprefix("- name: ") for line in shown.splitlines() if line.startswith("- name: ")]
    assert names == [one.settings.name for one in config.workspaces]
    assert len(names) > 1

import os
import threading
from collections import UserDict
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from exporter.braze.endpoints import Endpoint
from exporter.config.errors import ConfigError
from exporter.config.load import Config, load_config, load_watched_config
from exporter.config.render import render_config
from exporter.domain.discovery import NameFilter
from exporter.domain.model import Integration
from exporter.domain.settings import DiscoverySettings, PollSettings, RateLimits

ROOT = Path(__file__).resolve().parents[3]
GOOD = ROOT / "tests" / "data" / "config" / "good"
KEY = "11111111-2222-3333-4444-555555555555"
HEAD = "workspaces:\n- name: production\n  rest_endpoint: https://rest.iad-03.braze.com\n"
INTEGRATIONS = "  integrations: [{id: a}]\n"
ID = "00000000-0000-0000-0000-00000000000"


def load(file: Path) -> Config:
    return load_config(str(file), environ={"BRAZE_API_KEY": f" {KEY}\n"})


def errors_of(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [str(error).removeprefix(str(file)) for error in caught.value.errors]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize("good", sorted(GOOD.glob("*.yaml")), ids=lambda good: good.stem)
def test_a_good_file_loads(good: Path) -> None:
    assert load(good).workspaces


def test_what_is_not_given_is_the_default() -> None:
    settings = load(GOOD / "smallest.yaml").workspaces[0].settings
    assert settings.poll == PollSettings(60, 20, 600, 20, 3600)
    assert settings.rate_limit == RateLimits(job_sync_status=100, integrations=50, share=0.8)
    assert settings.integrations == (Integration("production", ID + "0", ID + "0"),)
    assert settings.discovery == DiscoverySettings(enabled=False, names=NameFilter())
    assert settings.history_seconds == 90 * 86400


def test_everything_given_arrives() -> None:
    production, staging = load(GOOD / "everything.yaml").workspaces
    assert production.settings.name == "production, EU"
    assert production.settings.rest_endpoint == "https://rest.fra-01.braze.eu"
    assert production.settings.rate_limit == RateLimits(job_sync_status=250, integrations=60, share=1.0)
    assert production.settings.integrations == (
        Integration(
            "production, EU",
            ID + "0",
            'users "and" Käufe',
            (("team", "crm"), ("cost_centre", "12")),
            expected_interval_seconds=5400,
            timezone=ZoneInfo("Europe/Berlin"),
        ),
        Integration("production, EU", ID + "1", ID + "1"),
    )
    assert staging.settings.rest_endpoint == "https://rest.us-11.braze.com:8443"
    dashboards = [each.settings.dashboard_url for each in (production, staging)]
    assert dashboards == ["", "https://dashboard.us-11.braze.com"]
    assert staging.settings.integrations[0].integration_id == ID + "0"
    assert production.settings.history_seconds == staging.settings.history_seconds == 0
    assert production.settings.grafana_url == staging.settings.grafana_url == "https://ops.example.org/grafana"
    assert not production.settings.discovery.enabled
    assert staging.settings.discovery.enabled


@pytest.mark.parametrize(
    ("name", "taken"),
    [("production", True), ("all users", True), ("userspace", False), ("prod Test", False), ("nonprod", False)],
)
def test_discovery_takes_names_that_an_include_and_no_exclude_matches(name: str, taken: bool) -> None:
    _, staging = load(GOOD / "everything.yaml").workspaces
    assert staging.settings.discovery.names.takes(name) is taken


def test_with_discovery_no_integration_needs_to_be_listed() -> None:
    settings = load(GOOD / "discovery.yaml").workspaces[0].settings
    assert (settings.integrations, settings.discovery) == ((), DiscoverySettings(enabled=True))


def test_a_workspace_needs_nothing_but_endpoint_and_key() -> None:
    settings = load(GOOD / "endpoint_and_key.yaml").workspaces[0].settings
    assert settings.rest_endpoint == "https://rest.fra-02.braze.eu"
    assert (settings.integrations, settings.discovery) == ((), DiscoverySettings(enabled=True))


def test_filters_alone_are_enough_for_discovery_where_no_integration_is_listed(file: Path) -> None:
    file.write_text(f"{HEAD}  api_key: {KEY}\n  discovery: {{exclude: [test]}}\n")
    discovery = load(file).workspaces[0].settings.discovery
    assert (discovery.enabled, discovery.names.takes("users"), discovery.names.takes("test")) == (True, True, False)


def test_a_share_too_small_for_both_endpoints_is_one_error(file: Path) -> None:
    file.write_text(f"{HEAD}  api_key: {KEY}\n  rate_limit: {{share: 0.001}}\n{INTEGRATIONS}")
    (error,) = errors_of(file)
    assert error.startswith(":5: workspaces[0].rate_limit.share: leaves less than one request a minute (")


def test_an_expression_nested_too_deep_is_an_error(file: Path) -> None:
    file.write_text(f"{HEAD}  api_key: {KEY}\n  discovery: {{enabled: true, include: ['{'(' * 500}']}}\n")
    (error,) = errors_of(file)
    assert error.startswith(":5: workspaces[0].discovery.include[0]: is not a regular expression that can be used (")


def test_a_workspace_overrides_single_keys_of_the_common_poll_block() -> None:
    production, staging = load(GOOD / "everything.yaml").workspaces
    assert staging.settings.poll == PollSettings(120, 1.5, 5400, 7, 7200)
    assert production.settings.poll == PollSettings(86_400, 1.5, 604_800, 7, 86_400)


def test_a_list_is_not_verified_more_often_than_without_it_each_integration_would_be_asked() -> None:
    production, staging = load(GOOD / "everything.yaml").workspaces
    assert production.settings.poll.verify_after_seconds == production.settings.poll.interval_seconds
    assert staging.settings.poll.verify_after_seconds == 7200


def test_aliases_give_the_same_values_in_both_places() -> None:
    production, staging = load(GOOD / "aliases.yaml").workspaces
    assert staging.settings.poll == production.settings.poll == PollSettings(interval_seconds=300)
    assert staging.settings.rest_endpoint == production.settings.rest_endpoint


def test_merge_keys_and_keys_for_anchors_alone_share_blocks() -> None:
    production, staging = (one.settings for one in load(GOOD / "anchors.yaml").workspaces)
    assert (production.poll.interval_seconds, staging.poll.interval_seconds) == (300, 600)
    assert production.rest_endpoint == staging.rest_endpoint == "https://rest.iad-03.braze.com"
    assert production.limits.configured == {"failed_syncs": 0, "lag": 10_800, "start_delay": 1800}
    assert staging.limits.configured == {"lag": 14_400}


def test_a_quoted_merge_key_is_just_unknown(file: Path) -> None:
    file.write_text(f"{HEAD}  '<<': {{poll: {{}}}}\n  api_key: {KEY}\n{INTEGRATIONS}")
    (error,) = errors_of(file)
    assert error.startswith(":4: workspaces[0].<<: is not a known key (")


def test_proxies_and_loopback_addresses_are_accepted() -> None:
    endpoints = [workspace.settings.rest_endpoint for workspace in load(GOOD / "proxy.yaml").workspaces]
    assert endpoints == [
        "https://braze-proxy.corp.example:8443",
        "https://rest.iad-03.braze.corp",
        "http://localhost:8080",
        "http://[::1]:8080",
        "https://rest.jp-01.braze.com",
    ]


def test_the_key_comes_from_each_of_the_three_sources_without_white_space() -> None:
    inline = load(GOOD / "smallest.yaml").workspaces[0]
    environment, in_file = load(GOOD / "everything.yaml").workspaces
    assert [one.key.read() for one in (inline, environment, in_file)] == [KEY] * 3


def test_no_repr_shows_a_key() -> None:
    shown = "".join(repr(load(GOOD / name)) for name in ("smallest.yaml", "everything.yaml"))
    assert "production" in shown
    assert KEY not in shown


def test_all_errors_come_at_once_in_the_order_of_the_file(file: Path) -> None:
    file.write_text(
        "poll: {interval: 90, tiemout: 5s}\n"  # 1
        "workspaces:\n"  # 2
        "- name: production\n"  # 3
        "  name: again\n"  # 4
        "  rest_endpoint: https://dashboard-03.braze.com\n"  # 5
        f"  api_key: {KEY}\n"  # 6
        "  api_key_env: BRAZE_API_KEY\n"  # 7
        "  integrations:\n"  # 8
        "  - id: a/b\n"  # 9
        "    labels: {job: x, tier: 1}\n"  # 10
        "  - {id: x}\n"  # 11
        "  - {id: x}\n"  # 12
        "- name: production\n"  # 13
        "  poll: {stale_after: 5s}\n"  # 14
    )
    places = [error.split(": ")[:2] for error in errors_of(file)]
    assert places == [
        [":1", "poll.interval"],
        [":1", "poll.tiemout"],
        [":4", "workspaces[0].name"],
        [":5", "workspaces[0].rest_endpoint"],
        [":7", "workspaces[0].api_key_env"],
        [":9", "workspaces[0].integrations[0].id"],
        [":10", "workspaces[0].integrations[0].labels.job"],
        [":10", "workspaces[0].integrations[0].labels.tier"],
        [":12", "workspaces[0].integrations[2].id"],
        [":13", "workspaces[1].name"],
        [":13", "workspaces[1].rest_endpoint"],
        [":13", "workspaces[1]"],
    ]


def test_a_default_that_two_workspaces_share_is_one_error(file: Path) -> None:
    one = f"  rest_endpoint: https://rest.iad-03.braze.com\n  api_key: {KEY}\n{INTEGRATIONS}"
    file.write_text(f"poll: {{interval: 1h}}\nworkspaces:\n- name: a\n{one}- name: b\n{one}")
    (error,) = errors_of(file)
    assert error.startswith(":1: poll.interval: stale_after (10m) is shorter than interval (1h): ")


def test_a_relative_key_file_is_looked_up_beside_the_configuration(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file.parent / "secrets").mkdir()
    (file.parent / "secrets" / "braze").write_text(KEY)
    file.write_text(f"{HEAD}  api_key_file: secrets/braze\n{INTEGRATIONS}")
    monkeypatch.chdir("/")
    assert load(file).workspaces[0].key.read() == KEY


def test_one_pattern_names_the_key_files_of_all_workspaces_that_have_no_key_of_their_own(file: Path) -> None:
    for name in ("crm", "shop"):
        (file.parent / f"{name}.key").write_text(f"key-of-{name}")
    two = "[{name: crm, instance: EU-01}, {name: shop, instance: EU-01}, {name: x, instance: EU-01, api_key: own}]"
    file.write_text(f"api_key_file: '{{name}}.key'\nworkspaces: {two}\n")
    config = load(file)
    assert [one.key.read() for one in config.workspaces] == ["key-of-crm", "key-of-shop", "own"]
    shown = yaml.safe_load(render_config(config))["workspaces"]
    assert [one.get("api_key_file") for one in shown] == ["crm.key", "shop.key", None]


def test_a_key_file_that_the_pattern_names_and_that_is_missing_is_told_for_each_workspace(file: Path) -> None:
    file.write_text(
        "api_key_file: '{name}.key'\nworkspaces:\n- {name: a, instance: EU-01}\n- {name: b, instance: EU-01}\n"
    )
    assert [error.partition(" (")[0] for error in errors_of(file)] == [
        f":3: workspaces[0].name: the file {file.parent}/a.key does not exist",
        f":4: workspaces[1].name: the file {file.parent}/b.key does not exist",
    ]


def test_the_bad_content_of_a_key_file_is_told_without_quoting_it(file: Path) -> None:
    (file.parent / "braze.key").write_text(f"{KEY}\n{KEY}\n")
    file.write_text(f"{HEAD}  api_key_file: braze.key\n{INTEGRATIONS}")
    (error,) = errors_of(file)
    assert error.startswith(f":4: workspaces[0].api_key_file: the file {file.parent}/braze.key contains white space, ")
    assert KEY not in error


def test_a_key_pasted_as_the_name_of_a_variable_is_not_shown(file: Path) -> None:
    file.write_text(f"{HEAD}  api_key_env: {KEY}\n{INTEGRATIONS}")
    (error,) = errors_of(file)
    assert error.startswith(":4: workspaces[0].api_key_env: names an environment variable that is not set (")
    assert KEY not in error


@pytest.mark.parametrize("kept", [f"api_key: {KEY}", "api_key_env: BRAZE_API_KEY", "api_key_file: key.txt"])
@pytest.mark.parametrize(
    ("written", "where"),
    [
        (f"name: crm{KEY}", "name"),
        (f"integrations: [{{id: a, name: {KEY}}}]", "integrations[0].name"),
        (f"integrations: [{{id: a, labels: {{team: {KEY}}}}}]", "integrations[0].labels.team"),
        (f"discovery: {{include: ['{KEY}']}}", "discovery.include[0]"),
    ],
)
def test_a_key_in_what_is_shown_is_refused_and_not_shown(file: Path, kept: str, written: str, where: str) -> None:
    (file.parent / "key.txt").write_text(KEY)
    fields = {"name": "name: crm", "instance": "instance: EU-01", written.partition(":")[0]: written}
    file.write_text("workspaces:\n- " + "\n  ".join([*fields.values(), kept]) + "\n")
    (error,) = errors_of(file)
    assert f" workspaces[0].{where}: contains an API key (" in error
    assert KEY not in error


@pytest.mark.parametrize("written", [f"{KEY}: x", f'"api_key:{KEY}": x', f"? {KEY}", f"api_key: {{{KEY}: x}}"])
def test_a_key_pasted_as_the_name_of_a_key_is_not_shown(file: Path, written: str) -> None:
    file.write_text(f"{HEAD}  {written}\n{INTEGRATIONS}")
    assert KEY not in "".join(errors_of(file))


def test_an_empty_key_is_just_unknown_whatever_it_holds(file: Path) -> None:
    file.write_text(f'{HEAD}  "": A_VARIABLE\n{INTEGRATIONS}')
    assert [error.partition(" (")[0] for error in errors_of(file)] == [
        ":2: workspaces[0]: has no API key",
        ":4: workspaces[0].<not shown>: is not a known key",
    ]


def test_a_key_that_is_called_as_pydantic_marks_keys_is_just_unknown(file: Path) -> None:
    file.write_text(f"'[key]': 1\n{HEAD}  api_key: {KEY}\n{INTEGRATIONS}")
    assert errors_of(file) == [
        (
            ":1: <not shown>: is not a known key (known here: poll, limits, history, grafana_url, network, "
            "api_key_file, workspaces)"
        )
    ]


def test_a_missing_file_says_which_and_what_to_do(file: Path) -> None:
    assert errors_of(file) == [": does not exist (create it or correct the path)"]


def test_a_directory_is_no_configuration_and_leaves_nothing_open(file: Path) -> None:
    file.mkdir()
    before = list(Path("/proc/self/fd").iterdir())
    assert errors_of(file) == [": is a directory (name the file in it)"]
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)


def test_a_pipe_is_read_once_and_refused_at_once_when_it_is_to_be_read_again(file: Path) -> None:
    os.mkfifo(file)
    (key := file.parent / "braze").write_text("a-key")
    rest = f"api_key_file: {key}, integrations: [id: a]"
    content = f"workspaces: [{{name: w, rest_endpoint: 'http://127.0.0.1:1', {rest}}}]"
    writing = threading.Thread(target=file.write_text, args=(content,))
    writing.start()
    (workspace,) = load_config(str(file), environ={}).workspaces
    writing.join()
    assert workspace.key.read() == "a-key"
    with pytest.raises(ConfigError, match="is a pipe, which can be read only once"):
        load_config(str(file), environ={}, again=True)


def test_a_name_with_a_zero_byte_is_answered() -> None:
    with pytest.raises(ConfigError, match="has no usable name"):
        load_config("a\0b", environ={})


def test_a_huge_file_is_not_read(file: Path) -> None:
    file.write_bytes(b"#" * (10 * 2**20 + 1))
    assert errors_of(file) == [": is larger than 10,485,760 bytes (check that this is the right file)"]


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing but words\n", "---\n", "null\n"])
def test_an_empty_file_says_so(file: Path, content: str) -> None:
    file.write_text(content)
    assert errors_of(file) == [":1: the file is empty (begin with config.example.yaml)"]


def test_other_encodings_are_named_with_the_line(file: Path) -> None:
    file.write_bytes("poll:\n  # früher\n".encode("latin-1"))
    assert errors_of(file) == [":2: this is not UTF-8 (save the file as UTF-8)"]


def test_a_byte_order_mark_does_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + (GOOD / "smallest.yaml").read_bytes())
    assert load(file).workspaces[0].settings.name == "production"


def test_windows_line_ends_do_no_harm(file: Path) -> None:
    file.write_bytes((GOOD / "smallest.yaml").read_bytes().replace(b"\n", b"\r\n"))
    assert load(file).workspaces[0].key.read() == KEY


def test_a_control_character_is_named_with_the_line(file: Path) -> None:
    file.write_text("poll:\r\n  interval: 1m\x07\n", newline="")
    assert errors_of(file) == [":2: there is a control character here (remove it)"]


def test_an_alias_bomb_is_refused_before_it_goes_off(file: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    file.write_text("\n".join(levels))
    assert errors_of(file) == [":7: a6[0]: there are more than 2,000,000 values up to here (use fewer aliases (`*`))"]


def test_a_bomb_of_merge_keys_is_refused_before_it_goes_off(file: Path) -> None:
    levels = ["a0: &a0 {x: 1, y: 2, z: 3}"]
    levels += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    file.write_text("\n".join(levels))
    (error,) = errors_of(file)
    assert error.startswith(":7: a6.<<[2]: there are more than 2,000,000 values up to here (")


def test_an_error_behind_a_merge_key_is_told_where_it_is_written(file: Path) -> None:
    good = (GOOD / "anchors.yaml").read_text()
    file.write_text(good.replace("{interval: 5m}", "{interval: 5}").replace("{lag: 4h}", "{lagg: 4h}"))
    assert errors_of(file) == [
        ":5: workspaces[0].poll.interval: is a number without a unit (write `5s`)",
        ":16: workspaces[1].limits.lagg: is not a known key (did you mean lag?)",
    ]


def test_an_error_behind_an_alias_is_told_where_it_is_written(file: Path) -> None:
    file.write_text((GOOD / "aliases.yaml").read_text().replace("{interval: 5m}", "{interval: 5}"))
    assert errors_of(file) == [
        ":1: poll.interval: is a number without a unit (write `5s`)",
        ":1: workspaces[1].poll.interval: is a number without a unit (write `5s`)",
    ]


def test_a_number_with_more_digits_than_python_reads_is_an_error(file: Path) -> None:
    file.write_text("poll: {max_pages: " + "9" * 5000 + "}\n")
    assert errors_of(file)[0].startswith(":1: poll.max_pages: must be a whole number, not a number that cannot be read")


def test_the_example_loads() -> None:
    environ = {"BRAZE_API_KEY": KEY, "BRAZE_STAGING_API_KEY": KEY}
    production, staging = load_config(str(ROOT / "config.example.yaml"), environ=environ).workspaces
    assert production.settings.poll == PollSettings()
    assert production.settings.rate_limit == RateLimits()
    assert production.settings.integrations[0].expected_interval_seconds == 3600
    assert staging.settings.poll == PollSettings(interval_seconds=300)
    assert staging.settings.discovery.names.takes("production users")


class Meanwhile(UserDict[str, str]):
    """An environment with a key; as soon as that is looked up, the configuration file is another one."""

    def __init__(self, file: Path) -> None:
        super().__init__({"BRAZE_API_KEY": KEY})
        self._file = file

    def __getitem__(self, name: str) -> str:
        self._file.write_text("workspaces: []\n")
        return super().__getitem__(name)


def test_a_change_while_the_file_is_loaded_is_a_change_to_the_watch(file: Path) -> None:
    file.write_text(f"{HEAD}  api_key_env: BRAZE_API_KEY\n{INTEGRATIONS}")
    config, watch = load_watched_config(str(file), environ=Meanwhile(file))
    assert len(config.workspaces) == 1
    assert [watch.changed(), watch.changed()] == [True, False]


def test_a_file_that_stays_is_no_change_to_the_watch(file: Path) -> None:
    file.write_text(f"{HEAD}  api_key: {KEY}\n{INTEGRATIONS}")
    _, watch = load_watched_config(str(file), environ={})
    assert not watch.changed()


def test_the_rate_limit_of_every_endpoint_is_a_key_that_takes_effect(file: Path) -> None:
    limits = {endpoint.value: 10 + place for place, endpoint in enumerate(Endpoint)}
    file.write_text(f"{HEAD}  api_key: {KEY}\n  rate_limit: {limits}\n{INTEGRATIONS}")
    (workspace,) = load(file).workspaces
    assert workspace.settings.rate_limit == RateLimits(**limits)
    assert asdict(workspace.settings.rate_limit).keys() == {*limits, "share"}

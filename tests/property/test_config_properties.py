"""Whatever stands in a configuration file: it loads, or all mistakes are told. Nothing else, and never the key."""

import contextlib
import tempfile
from pathlib import Path

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.config.durations import format_duration, parse_duration
from exporter.config.errors import ConfigError, WrongValueError
from exporter.config.keys import FixedKey, KeyFile
from exporter.config.load import Config, ConfiguredWorkspace, load_config
from exporter.config.render import render_config
from exporter.config.values import is_text
from exporter.domain.errors import AuthError
from exporter.domain.model import Integration
from exporter.domain.settings import PollSettings, WorkspaceSettings

KEY = "11111111-2222-3333-4444-555555555555"
GOOD = [
    (Path(__file__).resolve().parents[1] / "data" / "config" / "good" / name).read_text()
    for name in ("smallest.yaml", "aliases.yaml", "anchors.yaml", "proxy.yaml", "discovery.yaml", "everything.yaml")
]
WORDS = [
    *("poll", "interval", "timeout", "stale_after", "max_pages", "workspaces", "name", "rest_endpoint", "labels", "id"),
    *("api_key", "api_key_env", "api_key_file", "rate_limit", "job_sync_status", "share", "integrations", "workspace"),
    *("verify_after", "expected_interval", "discovery", "enabled", "include", "exclude", "true", "(", "[[a"),
    *("1m", "0s", "https://rest.iad-03.braze.com", "http://x", "<<", "BRAZE_API_KEY", "/dev/null", "a/b", "..", ""),
]
PIECES = [
    *(
        "\n",
        "  ",
        "- ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "*a",
        "&a ",
        "!x ",
        "'",
        '"',
        "# ",
        "| ",
        "> ",
        "? ",
        "<<: ",
        "\t",
    ),
    *(
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        "\0",
        "\x85",
        "\u2028",
        "\\ud800",
        "\ufeff",
        "1e999",
        "0x_",
        "2026-99-99",
        "=",
        "~",
    ),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=25,
)


def load_or_tell(content: bytes) -> str:
    """Return what an operator would see of this file: every mistake, or the repr of the configuration."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "c.yaml"
        (Path(directory) / "key.txt").write_text(KEY)
        file.write_bytes(content)
        try:
            return repr(load_config(str(file), environ={"BRAZE_API_KEY": KEY}))
        except ConfigError as error:
            told = error
    assert told.errors
    assert told.__cause__ is None
    assert len(str(told).splitlines()) == len(told.errors)
    return str(told)


@given(st.binary(max_size=200))
@example(b"\xff")
@example(b"a: !!python/object:os.system x")
def test_any_bytes_end_in_a_configuration_or_in_errors(content: bytes) -> None:
    load_or_tell(content)


@given(st.lists(st.sampled_from(PIECES + WORDS) | st.text(max_size=3), max_size=30).map("".join))
def test_any_yaml_like_text_ends_in_a_configuration_or_in_errors(text: str) -> None:
    load_or_tell(text.encode("utf-8", errors="surrogatepass"))


@given(values)
@settings(max_examples=200)
def test_any_values_end_in_a_configuration_or_in_errors(value: object) -> None:
    load_or_tell(yaml.safe_dump(value).encode("utf-8", errors="surrogatepass"))


@given(
    st.fixed_dictionaries(
        {"workspaces": st.lists(st.dictionaries(st.sampled_from(WORDS), values, max_size=6), max_size=3)},
        optional={"poll": st.dictionaries(st.sampled_from(WORDS), values, max_size=4)},
    )
)
@settings(max_examples=200)
def test_values_in_the_right_places_end_in_a_configuration_or_in_errors(value: object) -> None:
    load_or_tell(yaml.safe_dump(value).encode("utf-8", errors="surrogatepass"))


@given(st.data())
@settings(max_examples=400)
def test_a_mangled_file_never_gives_the_key_away(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(GOOD))
    for _ in range(data.draw(st.integers(0, 4))):
        # The key itself stays whole: half a key is none.
        places = [place for place in range(len(text) + 1) if KEY not in text[place - 36 : place + 36]]
        start = data.draw(st.sampled_from(places))
        end = min(start + data.draw(st.integers(0, 20)), text.find(KEY, start) % (len(text) + 1))
        text = text[:start] + data.draw(st.sampled_from([*PIECES, *WORDS, KEY, f"{KEY}: "])) + text[end:]
    assert KEY not in load_or_tell(text.encode())


@given(st.lists(st.text(max_size=12).filter(is_text), min_size=3, max_size=6), st.integers(1, 10**12))
@example(["\ufeff", "=", "'"], 1)
def test_what_is_shown_of_a_configuration_loads_to_the_same(texts: list[str], milliseconds: int) -> None:
    name, label, *named = texts
    workspace = WorkspaceSettings(
        name=name,
        rest_endpoint="https://rest.iad-03.braze.com",
        poll=PollSettings(milliseconds / 1000, milliseconds / 1000, milliseconds / 1000, 20, milliseconds / 1000),
        integrations=tuple(Integration(name, f"id{n}", text, (("team", label),)) for n, text in enumerate(set(named))),
    )
    shown = render_config(Config((ConfiguredWorkspace(workspace, FixedKey(KEY)),)))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "c.yaml"
        file.write_text(shown, encoding="utf-8")
        again = load_config(str(file), environ={})
    assert again.workspaces[0].settings == workspace


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_key_file_gives_a_key_fit_for_a_header_or_an_auth_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "key"
        file.write_text(KEY)
        source = KeyFile(str(file))
        file.write_bytes(content)
        with contextlib.suppress(AuthError):
            key = source.read()
            assert key.isascii()
            assert key.isprintable()
            assert key == key.strip() != ""


@given(st.text(max_size=60))
def test_any_text_is_a_key_fit_for_a_header_or_a_wrong_value(text: str) -> None:
    with contextlib.suppress(WrongValueError):
        key = FixedKey(text).read()
        assert key.isascii()
        assert key.isprintable()


@given(st.integers(0, 292 * 31_536_000_000 - 1))
def test_a_duration_that_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.text(alphabet="0123456789ywdhms .-", max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(format_duration(seconds)) == seconds

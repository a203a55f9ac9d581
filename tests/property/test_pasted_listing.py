"""Whatever integrations are called in Braze, what `integrations` and `init` write of them is a good configuration."""

import string
import tempfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.app.commands import Visible
from exporter.cli.init import render_files
from exporter.cli.tables import render_table, render_yaml
from exporter.config.load import ConfiguredWorkspace, load_config
from exporter.domain.decode import is_path_segment
from exporter.domain.listing import MAX_TEXT, ListedIntegration

HEAD = "workspaces:\n  - name: w\n    rest_endpoint: https://rest.iad-03.braze.com\n    api_key: k\n"
IDS = st.text(string.ascii_letters + string.digits + "-_~", min_size=1, max_size=6).filter(is_path_segment)
NAMES = st.text(max_size=MAX_TEXT) | st.text(string.printable + "\x85\u2028\ufeff\uffff\U0001f600", max_size=8) | IDS
LISTED = st.lists(
    st.builds(ListedIntegration, IDS, NAMES, warehouse_type=NAMES), min_size=1, unique_by=lambda one: one.integration_id
)


@given(LISTED)
@example([ListedIntegration("a", "a\x85b"), ListedIntegration("b", "\uffffx"), ListedIntegration("c", "x: # '\"")])
@example([ListedIntegration("a", "b"), ListedIntegration("b", "c"), ListedIntegration("c", "c")])
def test_the_block_loads_to_the_same_integrations(listed: list[ListedIntegration]) -> None:
    block = HEAD + render_yaml([Visible("w", tuple(listed))]) + "\n"
    assert_names(listed, load(block))


@given(LISTED)
def test_what_init_writes_loads_to_the_same_integrations(listed: list[ListedIntegration]) -> None:
    with tempfile.NamedTemporaryFile() as key:
        key.write(b"not-a-real-key")
        key.flush()
        files = render_files("w", "https://rest.iad-03.braze.com", key.name, listed)
        workspace = load(files["config.yaml"])
    assert workspace.settings.discovery.enabled
    assert_names(listed, workspace)
    assert all(each.isprintable() or each == "\n" for content in files.values() for each in content)


def load(text: str) -> ConfiguredWorkspace:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "config.yaml")
        path.write_text(text)
        (workspace,) = load_config(str(path), environ={}).workspaces
    return workspace


def assert_names(listed: list[ListedIntegration], workspace: ConfiguredWorkspace) -> None:
    names = {one.integration_id: one.integration_name for one in listed}
    for one in workspace.settings.integrations:
        assert one.integration_name in {names[one.integration_id], one.integration_id}
    assert [one.integration_id for one in workspace.settings.integrations] == list(names)


@given(LISTED)
def test_nothing_in_the_listing_can_move_a_terminals_cursor(listed: list[ListedIntegration]) -> None:
    for render in (render_table, render_yaml):
        text = render([Visible("w\x1b[2J", tuple(listed))])
        assert all(character.isprintable() or character == "\n" for character in text)
    assert render_table([Visible("w", tuple(listed))]).count("\n") == len(listed)

"""What `integrations` prints: a table, or a block for the configuration file. Texts from Braze are made safe."""

import json
from collections.abc import Sequence

from exporter.app.online import Visible
from exporter.domain.listing import ListedIntegration

_HEADINGS = ("WORKSPACE", "ID", "NAME", "TYPE", "WAREHOUSE", "STATUS", "LAST SYNC", "NEXT RUN")


def render_table(visible: Sequence[Visible]) -> str:
    """Return one line for each integration, in columns."""
    rows = [_HEADINGS, *(_row(one.workspace, listed) for one in visible for listed in one.integrations)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def render_yaml(visible: Sequence[Visible]) -> str:
    """Return a list `integrations` for each workspace, to be pasted under it."""
    blocks = []
    for one in visible:
        # A JSON string is a YAML string, whatever is in it.
        lines = [
            f"      - id: {_yaml(listed.integration_id)}\n        name: {_yaml(listed.integration_name)}"
            if listed.integration_name
            else f"      - id: {_yaml(listed.integration_id)}"
            for listed in one.integrations
        ]
        blocks.append("\n".join([f"    # workspace {_printable(one.workspace)}", "    integrations:", *lines]))
    return "\n".join(blocks)


def _row(workspace: str, listed: ListedIntegration) -> tuple[str, ...]:
    last, status = listed.last_job_start_time, listed.last_job_status
    next_run = listed.next_scheduled_run
    return tuple(
        _printable(text) or "-"
        for text in (
            workspace,
            listed.integration_id,
            listed.integration_name,
            listed.integration_type,
            listed.warehouse_type,
            listed.integration_status,
            f"{status or 'unknown'} {last:%Y-%m-%d %H:%M}" if last else "",
            f"{next_run:%Y-%m-%d %H:%M}" if next_run else "",
        )
    )


def _printable(text: str) -> str:
    """Without what could move a terminal's cursor or change its colours."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _yaml(text: str) -> str:
    return json.dumps(_printable(text), ensure_ascii=False)

"""What `integrations` prints: a table, or a block for the configuration file. Texts from Braze are made safe."""

import json
from collections.abc import Sequence

from exporter.app.online import Visible
from exporter.config.values import is_text
from exporter.domain.listing import ListedIntegration

_HEADINGS = ("WORKSPACE", "ID", "NAME", "TYPE", "WAREHOUSE", "STATUS", "LAST SYNC", "NEXT RUN")


def render_table(visible: Sequence[Visible]) -> str:
    """Return one line for each integration, in columns."""
    rows = [_HEADINGS, *(_row(one.workspace, listed) for one in visible for listed in one.integrations)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def render_yaml(visible: Sequence[Visible]) -> str:
    """Return a list `integrations` for each workspace, to be pasted under it; a remark where there is nothing to."""
    return "\n".join(_block(_printable(one.workspace), one.integrations) for one in visible)


def _block(workspace: str, listed: Sequence[ListedIntegration]) -> str:
    if not listed:
        return f"    # workspace {workspace}: no integration is visible"
    lines = [f"    # workspace {workspace}", "    integrations:"]
    taken = {one.integration_id for one in listed}
    for one in listed:
        name = one.integration_name
        # The file takes each name once, and none with blanks around it. Where it names none, Braze's own is used.
        if is_text(name) and name not in taken:
            taken.add(name)
            lines += [f"      - id: {_yaml(one.integration_id)}", f"        name: {_yaml(name)}"]
        else:
            lines += [f"      - id: {_yaml(one.integration_id)}{f'  # {_printable(name)}' if name else ''}"]
    return "\n".join(lines)


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
    """Return *text* as YAML: a JSON string is one, but for characters that YAML wants escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)

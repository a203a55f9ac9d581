"""What commands print of integrations: tables, and YAML for the configuration. Foreign text is made printable."""
# ruff: noqa: PLC0415 - the configuration's module is imported by the command that needs it

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.app.commands import Visible
    from exporter.domain.listing import ListedIntegration

_HEADINGS = ("WORKSPACE", "ID", "NAME", "TYPE", "WAREHOUSE", "STATUS", "LAST SYNC", "NEXT RUN")


def render_table(visible: Sequence["Visible"]) -> str:
    """Return one line for each integration, in columns."""
    return in_columns([_HEADINGS, *(_row(one.workspace, listed) for one in visible for listed in one.integrations)])


def in_columns(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows of the same length as lines whose columns stand below one another."""
    lines = [tuple(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def render_yaml(visible: Sequence["Visible"]) -> str:
    """Return a list `integrations` for each workspace, to paste into the file; a comment where none is visible."""
    return "\n".join(_block(printable(one.workspace), one.integrations) for one in visible)


def render_integrations(listed: Sequence["ListedIntegration"]) -> str:
    """Return the list `integrations` of a workspace as YAML, with what else Braze says of each as a comment."""
    from exporter.config.values import is_text

    lines = ["    integrations:"]
    taken = {one.integration_id for one in listed}
    for one in listed:
        name = one.integration_name
        # In the file each name is unique, without blanks around it. Without a name, Braze's is used.
        named = is_text(name) and name not in taken
        taken.add(name)
        lines.append(f"      - id: {to_yaml(one.integration_id)}{_remark(one, '' if named else name)}")
        if named:
            lines.append(f"        name: {to_yaml(name)}")
    return "\n".join(lines)


def to_yaml(text: str) -> str:
    """Return *text* as YAML: a JSON string, with the characters escaped that YAML does not allow."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)


def _block(workspace: str, listed: Sequence["ListedIntegration"]) -> str:
    if not listed:
        return f"    # workspace {workspace}: no integration is visible"
    return f"    # workspace {workspace}\n{render_integrations(listed)}"


def _remark(one: "ListedIntegration", name: str) -> str:
    run = "" if one.next_scheduled_run else "no run announced"
    words = [word for word in map(printable, (name, one.warehouse_type, one.integration_status, run)) if word.strip()]
    return f"  # {', '.join(words)}" if words else ""


def _row(workspace: str, listed: "ListedIntegration") -> tuple[str, ...]:
    last, status = listed.last_job_start_time, listed.last_job_status
    next_run = listed.next_scheduled_run
    return tuple(
        printable(text) or "-"
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


def printable(text: str) -> str:
    """Replace characters that could move a terminal's cursor or change its colours."""
    return "".join(character if character.isprintable() else "?" for character in text)

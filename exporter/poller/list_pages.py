"""The pages of Braze's list of integrations: one of them, or all from beginning to end for who can wait."""

from exporter.braze.gate import Gate
from exporter.braze.link import Cursor
from exporter.braze.wire import Endpoint, build_integrations
from exporter.domain.errors import PayloadError
from exporter.domain.listing import DecodedListing, ListedIntegration, decode_integrations

MOST_PAGES = 1000
"""Ten thousand integrations in one workspace; a list that goes on beyond them is taken for one without an end."""
ENDLESS = "the list of integrations goes on after {pages} pages, or links back to one already read"


async def read_list_page(gate: Gate, cursor: Cursor | None) -> tuple[DecodedListing, Cursor | None]:
    """
    Read one page when the budget allows; return what is in it, and the cursor of the next one.

    Raises:
        PollError: It did not come, or is of no use.

    """
    request = build_integrations(cursor)
    await gate.turn(Endpoint.INTEGRATIONS)
    answer = await gate.ask(request)
    decoded = decode_integrations(answer.body)
    if decoded.problem is not None:
        raise PayloadError(f"{decoded.problem}; a proxy in between or a change of Braze's API may be the cause")
    return decoded, answer.next_cursor


async def read_whole_list(gate: Gate) -> tuple[ListedIntegration, ...]:
    """
    Return every integration that the key can see, each once.

    Raises:
        PollError: A page did not come.

    """
    found: dict[str, ListedIntegration] = {}
    cursors: set[Cursor | None] = set()
    cursor: Cursor | None = None
    while cursor not in cursors and len(cursors) < MOST_PAGES:
        cursors.add(cursor)
        decoded, cursor = await read_list_page(gate, cursor)
        for one in decoded.integrations:
            found.setdefault(one.integration_id, one)
        if cursor is None:
            return tuple(found.values())
    raise PayloadError(f"{ENDLESS.format(pages=len(cursors))}; nothing was listed")

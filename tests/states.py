"""States of an integration as its own endpoint and the list have left them, and what is shown of one."""

from dataclasses import replace
from datetime import datetime

from exporter.domain.integration_state import IntegrationState, Watch
from exporter.domain.ledger import Ledger
from exporter.domain.limits import LimitSettings
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Polls
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.view import View, build_view

EVERY_LIMIT = LimitSettings({"lag": 7200.0, "success_age": 86400.0, "rows_synced": 10.0})
"""Limits that all have a value."""
WATCH = Watch(Integration("w", "i", "n", limits=EVERY_LIMIT), PollSettings())


def state_of(
    ledger: Ledger | None, listed: ListedIntegration | None = None, *, judged_at: datetime
) -> IntegrationState:
    """A state that was polled well at *judged_at*; *listed* is what the list shows at present."""
    polls = Polls(judged_at, judged_at)
    state = IntegrationState(judged_at, ledger, listed, judged_at=judged_at, polls=polls)
    session = replace(state.session, listed_at=0.0) if listed is not None else state.session
    return replace(state, session=session, summary=summarize(ledger, listed))


def show(ledger: Ledger | None, listed: ListedIntegration | None = None, *, judged_at: datetime) -> View:
    """What is shown of such a state, with every limit in effect."""
    return build_view(state_of(ledger, listed, judged_at=judged_at), WATCH)

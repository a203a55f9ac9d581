"""
Pasts and what was learned from them, in the state file.

Theory. A past is stored in parts, each a few syncs packed: a sync that is counted or a page of history adds a part of a
few dozen bytes instead of rewriting kilobytes on the event loop. After PARTS of them they are joined into one. A part
that cannot be read costs its syncs only; the history is then read from Braze again. Does not know transactions, nor
what is done about problems: statements are executed by the state file.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from exporter.domain.decode import PAGE_SIZE
from exporter.domain.model import Sync
from exporter.domain.past import MOST, Past, Run, decode, encode
from exporter.state.codec import decode_optional, encode_optional

PARTS = 32
"""Parts of one past, at the most."""

_WHOSE = "workspace = CAST(?1 AS TEXT) AND integration_id = CAST(?2 AS TEXT)"
_ROW = "pages, read_to, cursor, done, learned, learned_at FROM past"
_BEGIN = (
    "INSERT INTO past (workspace, integration_id) VALUES (CAST(?1 AS TEXT), CAST(?2 AS TEXT)) ON CONFLICT DO NOTHING"
)
_ADD = f"INSERT INTO past_part (past, syncs) SELECT id, ?3 FROM past WHERE {_WHOSE}"  # noqa: S608 - constants only, here and below
_PROGRESS = f"UPDATE past SET pages = ?3, read_to = ?4, cursor = CAST(?5 AS TEXT), done = ?6 WHERE {_WHOSE}"  # noqa: S608
UNREAD = "UPDATE past SET pages = 0, read_to = NULL, cursor = NULL, done = 0"
_LEARNED = f"UPDATE past SET learned = ?3, learned_at = ?4 WHERE {_WHOSE}"  # noqa: S608
_PARTS = f"FROM past_part WHERE past = (SELECT id FROM past WHERE {_WHOSE})"  # noqa: S608
_DELETE = f"DELETE FROM past WHERE {_WHOSE}"  # noqa: S608

Names = tuple[bytes, bytes]
"""Workspace and integration id."""
Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the history of an integration has been read."""

    pages: int = 0
    """How many have been read."""
    read_to: datetime | None = None
    """Every sync that started later has been read, or was counted."""
    cursor: str | None = None
    """Of the page to be read next; None where the first is."""
    done: bool = False
    """Whether nothing older is left, or of use."""

    def share(self, now: datetime, history: timedelta) -> float:
        """Return how much has been read of what is wanted, 0 to 1."""
        if self.done:
            return 1.0
        back = (now - self.read_to) / history if self.read_to is not None else 0.0
        return min(1.0, max(back, self.pages * PAGE_SIZE / MOST))


@dataclass(frozen=True, slots=True)
class StoredPast:
    """What is kept of an integration's past."""

    past: Past = field(default_factory=Past)
    progress: Progress = field(default_factory=Progress)
    learned: bytes = b""
    """What was learned, as `learned_codec.py` writes it."""
    learned_at: datetime | None = None

    def joined(self, later: "StoredPast") -> "StoredPast":
        """Return this with what came *later* added."""
        mine = self if later.learned_at is None else later
        return StoredPast(
            self.past.extend(later.past.syncs),
            self.progress if later.progress == Progress() else later.progress,
            mine.learned,
            mine.learned_at,
        )


def adding(names: Names, syncs: Iterable[Sync], progress: Progress | None = None) -> Iterator[Statement]:
    """Yield what adds finished syncs to a past, and sets how far it was read where that has changed."""
    yield _BEGIN, names
    if (part := Past().extend(syncs)).count:
        yield _ADD, (*names, encode(part))
    if progress is not None:
        cursor = None if progress.cursor is None else progress.cursor.encode("utf-8", "surrogatepass")
        yield _PROGRESS, (*names, progress.pages, encode_optional(progress.read_to), cursor, progress.done)


def learning(names: Names, learned: bytes, at: datetime | None) -> Iterator[Statement]:
    """Yield what keeps what was learned."""
    yield _BEGIN, names
    yield _LEARNED, (*names, learned, encode_optional(at))


def deleting(names: Names) -> Iterator[Statement]:
    yield f"DELETE {_PARTS}", names
    yield _DELETE, names


def replacing(names: Names, stored: StoredPast) -> Iterator[Statement]:
    """Yield what puts a past in place of the one before, in one part."""
    yield f"DELETE {_PARTS}", names
    yield from adding(names, stored.past.syncs, stored.progress)
    yield from learning(names, stored.learned, stored.learned_at)


class PastReader:
    """Reads pasts; *select* executes a statement and returns its rows."""

    def __init__(self, select: Callable[[str, tuple[Any, ...]], list[Any]]) -> None:
        self._select = select

    def parts(self, names: Names) -> int:
        """In how many parts a past is stored."""
        return int(self._select(f"SELECT count(*) {_PARTS}", names)[0][0])

    def load(self, names: Names) -> tuple[StoredPast, str]:
        """Return a past, empty where there is none, and what is damaged of it."""
        rows = self._select(f"SELECT {_ROW} WHERE {_WHOSE}", names)
        if not rows:
            return StoredPast(), ""
        runs: dict[int, Run] = {}
        damage = ""
        for (part,) in self._select(f"SELECT syncs {_PARTS} ORDER BY id", names):
            try:
                runs.update((run.start, run) for run in decode(part))
            except (TypeError, ValueError) as error:
                damage = str(error)
        outline = _outline(rows[0])
        progress = Progress() if damage else outline.progress
        return StoredPast(Past.of(runs.values()), progress, outline.learned, outline.learned_at), damage

    def outlines(self, workspace: bytes) -> Iterator[tuple[str, StoredPast]]:
        """Yield all pasts of a workspace by integration id, without their syncs."""
        for name, *row in self._select(
            f"SELECT integration_id, {_ROW} WHERE workspace = CAST(?1 AS TEXT)",
            (workspace,),
        ):
            yield name.decode("utf-8", "surrogatepass"), _outline(row)


def _outline(row: Any) -> StoredPast:
    """A row that holds anything else is that of a past that was never read."""
    pages, read_to, cursor, done, learned, learned_at = row
    try:
        text = None if cursor is None else cursor.decode("utf-8", "surrogatepass")
        progress = Progress(int(pages), decode_optional(read_to), text, bool(done))
        return StoredPast(Past(), progress, bytes(learned), decode_optional(learned_at))
    except (AttributeError, OverflowError, TypeError, ValueError):
        return StoredPast()

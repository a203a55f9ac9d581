"""
Where a state file goes that cannot be used: beside its place, under a name that says when, never deleted.

Decides the name and that all files of one database go together. Does not decide what is damage.
"""

from datetime import datetime
from pathlib import Path

from exporter.state.connect import SUFFIXES
from exporter.state.trouble import UnusableError, translated

MOST = 20
"""Files set aside; a disk that damages every file must not be filled with them."""


def set_aside(path: Path, now: datetime) -> Path:
    """
    Move the state file and what belongs to it, and return its new name.

    Raises:
        UnusableError: It cannot be moved, or too many have been.

    """
    try:
        names = [other.name for other in path.parent.iterdir()]
        taken = [name for name in names if name.startswith(f"{path.name}.damaged-") and not name.endswith(SUFFIXES[1:])]
        if len(taken) >= MOST:
            raise UnusableError(f"{len(taken)} damaged state files are set aside already; look at them and remove them")
        aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}")
        if aside.name in taken:
            aside = aside.with_name(f"{aside.name}-{len(taken)}")
        # The database first: SQLite drops a log whose database is gone, but would believe one whose database is new.
        for suffix in SUFFIXES:
            if path.name + suffix in names:
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise translated(error) from error
    return aside

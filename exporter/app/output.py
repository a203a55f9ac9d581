"""
The files that a command writes: replaced in one step, so that no reader ever sees half of one, or created.

node_exporter's textfile collector requires it. The new content is written beside the file, because a rename is atomic
within one file system only. Of a link the target is replaced; a pipe or a device such as /dev/stdout is written to
directly. Knows nothing of the content.
"""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO


class OutputError(Exception):
    """The output of a command cannot be written; the text names the place, the reason and the next step."""

    def __init__(self, place: Path | str, error: OSError) -> None:
        remedy = "make room, or let this user write there"
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            remedy = "name a directory that exists"
        elif isinstance(error, IsADirectoryError):
            remedy = "name a file in it"
        elif isinstance(error, FileExistsError):
            remedy = "nothing is overwritten: move it away, or name another place"
        super().__init__(f"{place} cannot be written: {error.strerror}; {remedy}")


def check_replaceable(path: Path) -> None:
    """
    Check that `replace_file` could begin, before a command that takes long. Leaves nothing behind.

    Raises:
        OutputError: It could not.

    """
    with _explained(path):
        if not _is_written_to(path):
            descriptor, temporary = _create_beside(path.resolve())
            os.close(descriptor)
            temporary.unlink()
        elif path.is_dir() or not os.access(path, os.W_OK):
            path.open("ab").close()  # raises; a pipe that may be written to does not come here, as it would wait


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """
    Yield a stream whose content replaces *path* when the context succeeds; the mode of a file stays.

    Raises:
        OutputError: It cannot be written, or the context has raised OSError. As after any other exception, the
            previous content stays.

    """
    with _explained(path):
        if _is_written_to(path):
            with path.open("wb") as stream:
                yield stream
            return
        target = path.resolve()
        descriptor, temporary = _create_beside(target)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream
                os.fchmod(stream.fileno(), _mode(target))
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def check_creatable(directory: Path, names: Iterable[str]) -> None:
    """
    Check that `create_files` finds the directory, and none of the files in it.

    Raises:
        OutputError: It would fail.

    """
    with _explained(directory):
        present = {path.name for path in directory.iterdir()}
    for name in names:
        if name in present:
            raise OutputError(directory / name, FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)))


def create_files(directory: Path, contents: Mapping[str, str]) -> None:
    """
    Create a file of each name, or none at all. Nothing that exists is touched.

    Raises:
        OutputError: One of them cannot be created, or exists.

    """
    with contextlib.ExitStack() as undo:
        for name, content in contents.items():
            path = directory / name
            with _explained(path), path.open("x", encoding="utf-8") as stream:
                undo.callback(path.unlink)
                stream.write(content)
        undo.pop_all()


def create_file(path: Path, content: bytes) -> None:
    """
    Create a file that only this user may read. Nothing that exists is touched.

    Raises:
        OutputError: It cannot be created, or exists.

    """
    with _explained(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(path, error) from error


def _is_written_to(path: Path) -> bool:
    """Whether there is something that is no regular file; a directory too, which then raises when it is opened."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _create_beside(path: Path) -> tuple[int, Path]:
    """Create an empty file in the same directory, and return its descriptor and its name."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    return descriptor, Path(name)


def _mode(path: Path) -> int:
    """Readable by all where the file is new: the textfile collector runs as another user."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        return 0o644

"""
Reading a small file that an operator named, and noticing that it is another one now.

Decides what is not read at all: directories, pipes and devices (a pipe that nobody writes to would hang the process),
and more bytes than the caller expects. Knows nothing of the content.
"""

import os
import stat

from exporter.config.mistakes import WrongValueError, show_file

Signature = tuple[int, int, int, int, int]


def read_small_file(path: str, *, most_bytes: int) -> tuple[bytes, os.stat_result]:
    """
    Return the content of the file at *path*, and the status it had when it was opened.

    Raises:
        WrongValueError: It cannot be read or is larger than *most_bytes*. The text names neither path nor content.

    """
    try:
        # With an opener, `open` closes the descriptor again when it refuses a directory.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise WrongValueError("is not a regular file", "name a regular file")
            content = stream.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        raise explain_os_error(error) from None
    if len(content) > most_bytes:
        raise WrongValueError(f"is larger than {most_bytes:,} bytes", "check that this is the right file")
    return content, status


def file_signature(status: os.stat_result) -> Signature:
    """
    Return what differs once a file was written or replaced; its change time tells even when the other was set back.

    A file that is written twice within one tick of the file system's clock may keep its signature.
    """
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def about_file(path: str, error: WrongValueError) -> WrongValueError:
    """Return the error with the file's name in it, for a place that does not name the file itself."""
    return WrongValueError(f"{show_file(path)} {error.problem}", error.remedy)


def explain_os_error(error: OSError | ValueError) -> WrongValueError:
    """Return why a path could not be used; a ValueError other than our own stands for a name with a zero byte in it."""
    if isinstance(error, WrongValueError):
        return error
    if isinstance(error, FileNotFoundError):
        return WrongValueError("does not exist", "create it or correct the path")
    if isinstance(error, IsADirectoryError):
        return WrongValueError("is a directory", "name the file in it")
    if isinstance(error, OSError):
        return WrongValueError(f"cannot be read: {error.strerror}", "let the exporter's user read it")
    return WrongValueError("has no usable name", "correct the path")

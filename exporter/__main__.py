"""
The installed command, and `python -m exporter`.

Decides what holds before anything slow is imported: a signal ends the daemon well, even as process 1, for which there
are no default actions, and Ctrl-C any other command without a traceback; descriptors 0 to 2 are open, so that no file
of ours takes the place of a closed standard stream; writing to standard error does not raise, and to a standard output
that is closed it does; nobody looks for garbage among what has just been imported.
"""

import gc
import io
import os
import signal
import sys

COMMANDS_THAT_END = frozenset(
    {"backfill", "check", "explain", "init", "integrations", "once", "replay", "support-bundle"}
)
"""The others serve until a signal comes."""
_STANDARD_STREAMS = (0, 1, 2)
_STANDARD_OUTPUT = 1
_NO_GARBAGE_BEFORE = 200_000
"""Young objects. The daemon's imports make 110,000 and no garbage: to look for it took a seventh of a start."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(_NO_GARBAGE_BEFORE)
    if COMMANDS_THAT_END.isdisjoint(sys.argv[1:]):
        _end_well_at_a_signal()
    elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored, in the background
        signal.signal(signal.SIGINT, _abort)
    _open_standard_streams()
    if sys.stderr is not None:
        sys.stderr = io.TextIOWrapper(_Stderr(), sys.stderr.encoding, errors="backslashreplace", line_buffering=True)
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "true"  # it would read the metadata of all packages there are
    from exporter.cli import main as command  # noqa: PLC0415 - it takes its time

    if signal.getsignal(signal.SIGINT) is _abort:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        command(prog_name="braze-cdi-exporter")
    except OSError as error:
        if error.filename is not None:  # each command explains those of its files
            raise
        remedy = "make room, or let this user write there"
        _Stderr().write(f"standard output cannot be written: {error.strerror}; {remedy}\n".encode())
        os._exit(1)  # what waits to be written would fail again


def _end_well_at_a_signal() -> None:
    """Let the signals that stop the daemon do so until it serves, and handles them itself."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # Nothing is begun that needs an end: state and lock survive a kill. An exception could get lost in an import.
        signal.signal(number, lambda *_: os._exit(0))
    signal.signal(signal.SIGHUP, lambda *_: None)  # the configuration has yet to be read


def _abort(*_: object) -> None:
    """End a command as click does later: an interrupted import would end it in a traceback."""
    _Stderr().write(b"\nAborted!\n")
    os._exit(1)


def _open_standard_streams() -> None:
    for fd in _STANDARD_STREAMS:
        try:
            os.fstat(fd)
        except OSError:
            # It takes the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDONLY if fd == _STANDARD_OUTPUT else os.O_RDWR)
    if sys.stdout is None:  # Python's sign for a closed one, to which what is printed gets lost without a word
        sys.stdout = open(_STANDARD_OUTPUT, "w", closefd=False)  # noqa: SIM115 - as Python opens it


class _Stderr(io.RawIOBase):
    """Standard error that loses what cannot be written: an exit code must not depend on a reader of messages."""

    def fileno(self) -> int:
        return 2

    def isatty(self) -> bool:
        return os.isatty(2)

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]  # narrower than any buffer
        try:
            return os.write(2, data)
        except OSError:
            return len(data)


if __name__ == "__main__":
    main()

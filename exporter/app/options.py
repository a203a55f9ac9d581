"""What the daemon is told by its flags, and how it refuses one. Quick to import: every command needs it."""

from dataclasses import dataclass

from exporter.domain.shard import Shard


@dataclass(frozen=True, slots=True)
class Options:
    """The daemon's flags, apart from those about the log. Durations are seconds; 0 turns auto-reload off."""

    config_file: str
    listen_addresses: tuple[str, ...]
    telemetry_path: str
    web_config_file: str | None
    enable_lifecycle: bool
    storage_path: str
    auto_reload_seconds: float
    shard: Shard


class WrongFlagError(Exception):
    """A flag's value cannot be used; the text says which and why."""

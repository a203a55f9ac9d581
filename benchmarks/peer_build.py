"""
Builds the exporters in `benchmarks/peers`, each written with another language's client library, into `.tools/peers`.

A build takes a minute or two, and only again when the sources have changed. Nothing is written outside `.tools`, and
nothing is kept but the programs; what the person has set for Go or cargo, such as a proxy, stays in force.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = {"client_golang": "go", "Rust's prometheus-client": "rust"}
"""The folder in `benchmarks/peers` of each library's exporter."""
HOME = ROOT / ".tools" / "peers"
PATIENCE_SECONDS = 900.0
SOURCES = {"go": ("go.mod", "go.sum", "main.go"), "rust": ("Cargo.toml", "src/main.rs")}
COMMANDS = {
    "go": ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", "target/release/peer", "."],
    "rust": ["cargo", "build", "--quiet", "--release"],
}


@cache
def build(language: str) -> Path | None:
    """The program, or None where it cannot be built, with a line on standard error that says why."""
    command = COMMANDS[language]
    sources = {name: (ROOT / "benchmarks" / "peers" / language / name).read_bytes() for name in SOURCES[language]}
    program = HOME / f"{language}-{sha256(b''.join(sources.values())).hexdigest()[:16]}"
    if program.exists():
        return program
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not installed: left out", file=sys.stderr)
        return None
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as folder:
        work = Path(folder)
        for name, content in sources.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_bytes(content)
        print(f"building benchmarks/peers/{language} ...", file=sys.stderr)
        try:
            subprocess.run(command, cwd=work, env=environment(work), check=True, timeout=PATIENCE_SECONDS)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            print(f"{command[0]} could not build its peer: left out", file=sys.stderr)
            return None
        for old in HOME.glob(f"{language}-*"):
            old.unlink()
        (work / "target" / "release" / "peer").rename(program)
    return program


def environment(work: Path) -> dict[str, str]:
    """What Go and cargo are called with: all that they write goes below *work*."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    cargo = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    (work / "tmp").mkdir()
    (work / "cargo").mkdir()
    for name in ("config.toml", "credentials.toml"):
        if (cargo / name).exists():
            (work / "cargo" / name).symlink_to(cargo / name)
    (work / "config" / "go" / "telemetry").mkdir(parents=True)
    (work / "config" / "go" / "telemetry" / "mode").write_text("off")  # which Go keeps beside its settings
    ours = {
        "CARGO_HOME": str(work / "cargo"),
        "CARGO_TARGET_DIR": str(work / "target"),
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "cache"),
        "GOENV": os.environ.get("GOENV") or str(config / "go" / "env"),
        "GOFLAGS": "-modcacherw -buildvcs=false -mod=readonly",  # fails where a source's hash is not that in go.sum
        "GOMODCACHE": str(work / "modules"),
        "GOPATH": str(work / "gopath"),
        "GOTMPDIR": "",
        "GOWORK": "off",
        "TMPDIR": str(work / "tmp"),  # Go takes no source from the folder itself
        "XDG_CONFIG_HOME": str(work / "config"),
    }
    return {**os.environ, **ours}

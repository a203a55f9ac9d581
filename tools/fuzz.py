"""
Fuzz with atheris, guided by coverage: `python tools/fuzz.py TARGET SECONDS`, or all targets in turn without TARGET.

A target is a module in `tests/fuzz/` with `check(data)`, which raises when the code is wrong, `SEEDS`, folders to begin
with, and `WORDS`, what inputs are made of. What the fuzzer learned stays in `.tools/fuzz`, so that a later run goes on
from there; an input that fails is kept there too, and its name is printed. The exit code is 0 when nothing was found.
"""

import importlib
import subprocess
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("config", "decoding", "wire")
LONGEST_INPUT = 4096
SLOWEST_SECONDS = 10
MOST_MEMORY_MIB = 2048


def main() -> None:
    match sys.argv[1:]:
        case [seconds] if seconds.isdigit():
            # One process for each: libFuzzer ends the process it runs in. All are run, even after a finding.
            calls = ([sys.executable, __file__, target, seconds] for target in TARGETS)
            codes = [subprocess.run(call, cwd=ROOT, check=False).returncode for call in calls]
            sys.exit(any(codes))
        case [target, seconds] if target in TARGETS and seconds.isdigit():
            _fuzz(target, int(seconds))
        case _:
            sys.exit(f"usage: {sys.argv[0]} [{'|'.join(TARGETS)}] SECONDS")


def _fuzz(name: str, seconds: int) -> None:
    sys.path.insert(0, str(ROOT))
    with atheris.instrument_imports(include=["exporter"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    work = ROOT / ".tools" / "fuzz" / name
    corpus = work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    words = work / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.WORDS))
    print(f"fuzz {name}: {seconds} s", flush=True)
    arguments = [
        f"-max_total_time={seconds}",
        f"-dict={words}",
        f"-artifact_prefix={work}/",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MOST_MEMORY_MIB}",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    atheris.Setup(
        [sys.argv[0], *arguments, str(corpus), *(str(ROOT / folder) for folder in target.SEEDS)], target.check
    )
    atheris.Fuzz()


def _escaped(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main()

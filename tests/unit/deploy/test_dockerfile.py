"""The Dockerfile is linted, pinned and in step with the code; its health check works. `make test-deploy` builds it."""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from exporter.cli.flags import DAEMON_FLAGS

ROOT = Path(__file__).resolve().parents[3]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STATEMENTS = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def values(instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} (.+)$", STATEMENTS, re.MULTILINE)


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    run = subprocess.run([hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert run.stdout + run.stderr == ""
    assert run.returncode == 0


def test_both_stages_stand_on_one_base_of_a_whole_version() -> None:
    assert values("FROM") == ["${BASE} AS build", "${BASE}"]
    (base,) = (each for each in values("ARG") if each.startswith("BASE="))
    assert re.fullmatch(r"BASE=python:\d+\.\d+\.\d+-slim-[a-z]+", base)


DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("answer", "pinned"), [({"digest": DIGEST}, True), ({"digest": "sha256:ab"}, False), ({}, False)]
)
def test_a_release_pins_the_digest_that_the_registry_has(
    answer: dict[str, str], *, pinned: bool, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/bash\necho "$@" >&2\necho {shlex.quote(json.dumps(answer))}\n')
    docker.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run([ROOT / "tools" / "pin-base"], env=environ, capture_output=True, text=True, check=False)
    (base,) = (each.removeprefix("BASE=") for each in values("ARG") if each.startswith("BASE="))
    assert base in run.stderr
    assert (run.returncode == 0) == pinned
    assert run.stdout == (f"{base}@{DIGEST}\n" if pinned else "")


def test_nothing_is_fetched_from_a_registry_but_the_base() -> None:
    assert "# syntax" not in DOCKERFILE.splitlines()[0]
    assert not re.search(r"^COPY --from=(?!build\b)", STATEMENTS, re.MULTILINE)


def test_the_version_is_the_packages_wherever_an_image_is_named() -> None:
    assert [each for each in values("ARG") if each.startswith("VERSION=")] == [f"VERSION={VERSION}"] * 2
    named = [
        (path.relative_to(ROOT), version)
        for path in [ROOT / "Dockerfile", *(ROOT / "deploy").rglob("*.yaml"), *(ROOT / "docs").glob("*.md")]
        for version in re.findall(r"\bbraze-cdi-exporter:(\d[\w.]*)", path.read_text())
    ]
    assert {version for _, version in named} == {VERSION}, named


def test_packages_are_installed_by_their_hashes_alone() -> None:
    installs = re.findall(r"pip(?: --python \S+)? install ([^&\n]+)", STATEMENTS)
    assert len(installs) == 4
    for arguments in installs:
        assert "--require-hashes" in arguments or "--no-deps --no-index" in arguments


def test_the_image_holds_its_bill_of_materials() -> None:
    (bill,) = re.findall(r"cyclonedx-py environment .*--output-file (\S+/)braze-cdi-exporter\.cdx\.json", STATEMENTS)
    assert f"--from=build {bill.rstrip('/')} /usr/share/braze-cdi-exporter" in values("COPY")


def test_the_user_is_a_number_and_not_root() -> None:
    (user,) = values("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    (data,) = re.findall(r"COPY --from=build --chown=(\S+) \S+ /data", STATEMENTS)
    assert data == user


def test_only_what_is_copied_gets_into_the_build() -> None:
    entries = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {each.removeprefix("!") for each in entries if each.startswith("!")}
    copied = {
        source.rstrip("/")
        for arguments in values("COPY")
        if "--from" not in arguments
        for source in arguments.split()[:-1]
    }
    assert "*" in entries
    assert let_in == copied


def test_every_setting_of_the_environment_belongs_to_a_flag() -> None:
    flags = {"BRAZE_CDI_EXPORTER_" + re.sub(r"[.-]", "_", flag.lstrip("-")).upper() for flag in DAEMON_FLAGS}
    assert set(re.findall(r"\b(BRAZE_CDI_EXPORTER_\w+)=", STATEMENTS)) <= flags | {"BRAZE_CDI_EXPORTER_REVISION"}


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server on loopback that answers everything by *status*; gives its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/-/healthy" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def health_check(port: int) -> int:
    """Run the check as the image does, against *port*; return its exit code."""
    (arguments,) = re.findall(r"^HEALTHCHECK .*CMD (\[.+\])$", STATEMENTS, re.MULTILINE)
    program, *rest = json.loads(arguments)
    assert program == "python"
    command = [sys.executable, *(each.replace("10273", str(port)) for each in rest)]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_the_health_check_says_what_the_exporter_says(status: int, code: int) -> None:
    with answering(status) as port:
        assert health_check(port) == code


def test_the_health_check_fails_where_nothing_listens() -> None:
    with answering(200) as port:
        pass
    assert health_check(port) == 1

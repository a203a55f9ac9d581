"""The image is built and run: small, labelled, without root, read-only, healthy, stopped cleanly, its state kept."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.heavy.engine import Engine
from tests.deploy.heavy.programs import REVISION, ROOT, VERSION, wait_until

NEEDS = ("debootstrap", "dockerd")
MOST_ADDED_MEGABYTES = 40
MOST_PACKED_MEGABYTES = 15
"""As registries count: with 45 of the slim base it stays below 60."""
NETWORK = "cdi-test"
CONFINED = ("--network", NETWORK, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")

ASK = """
import sys, urllib.request
with urllib.request.urlopen("http://127.0.0.1:10273" + sys.argv[1], timeout=10) as answer:
    print(answer.status, answer.read().decode())
"""

TRY_TO_WRITE = """
import os
for folder in ("/", "/etc", "/opt/braze-cdi-exporter", "/tmp", "/data"):
    try:
        open(folder + "/written", "w").close()
        print("wrote", folder)
    except OSError as error:
        print(error.strerror, folder)
"""


FILES = """
import hashlib, os
for top in ("/opt", "/usr/share/braze-cdi-exporter"):
    for folder, _, names in os.walk(top):
        for path in (os.path.join(folder, name) for name in names):
            content = os.readlink(path).encode() if os.path.islink(path) else open(path, "rb").read()
            print(path, oct(os.lstat(path).st_mode), hashlib.sha256(content).hexdigest())
"""


@pytest.fixture(scope="module", autouse=True)
def network(docker: Engine) -> Iterator[None]:
    """A network of its own for each container: the exporter's port is then never taken."""
    docker.docker("network", "create", "--internal", NETWORK)
    yield
    docker.docker("network", "rm", NETWORK)


def ask(docker: Engine, container: str, path: str) -> str:
    return docker.docker("exec", container, "python", "-c", ASK, path)


def health(docker: Engine, container: str) -> str:
    return str(docker.inspect(container)["State"]["Health"]["Status"])


def stop(docker: Engine, container: str) -> int:
    """Stop *container* as an operator does, remove it, return its exit code."""
    docker.docker("stop", "--time", "20", container)
    code = int(docker.inspect(container)["State"]["ExitCode"])
    docker.docker("rm", container)
    return code


@pytest.fixture
def demo(docker: Engine, image: str) -> Iterator[str]:
    name = "demo"
    docker.docker("run", "--detach", "--name", name, *CONFINED, image, "demo", "--web.listen-address=:10273")
    yield name
    docker.docker("rm", "--force", "--volumes", name, code=None)


def test_it_is_small_and_says_what_it_is(docker: Engine, image: str, tell: Callable[[str], None]) -> None:
    history = docker.docker("history", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", image).splitlines()
    added = sum(int(line.split()[0]) for line in history if re.search(r"COPY|RUN|WORKDIR|ENV", line)) / 1e6
    tell(f"image: {added:.1f} MB on top of its base")
    assert added < MOST_ADDED_MEGABYTES
    labels = docker.inspect(image)["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == VERSION
    assert labels["org.opencontainers.image.revision"] == REVISION
    assert docker.docker("run", "--rm", *CONFINED, image, "--version").split()[-1] == VERSION


def within(docker: Engine, image: str, *command: str) -> str:
    return docker.docker("run", "--rm", *CONFINED, "--entrypoint", command[0], image, *command[1:])


def test_it_is_small_to_fetch(docker: Engine, image: str, tell: Callable[[str], None]) -> None:
    packed = int(within(docker, image, "sh", "-c", "tar -cz /opt /usr/share/braze-cdi-exporter | wc -c")) / 1e6
    tell(f"image: {packed:.1f} MB on top of its base, compressed")
    assert packed < MOST_PACKED_MEGABYTES


def test_its_bill_of_materials_names_what_is_installed(docker: Engine, image: str) -> None:
    bill = json.loads(within(docker, image, "cat", "/usr/share/braze-cdi-exporter/braze-cdi-exporter.cdx.json"))
    locked = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE)
    named = {(each["name"].lower().replace("_", "-"), each["version"]) for each in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert {(name.lower().replace("_", "-"), version) for name, version in locked} <= named


def test_another_build_holds_the_same_bytes(docker: Engine, image: str) -> None:
    arguments = ("--no-cache", "--network", "host", "--build-arg", f"REVISION={REVISION}", "--tag", "again")
    docker.docker("build", *arguments, ROOT, limit=900)
    first, second = (within(docker, each, "python", "-c", FILES).splitlines() for each in (image, "again"))
    assert len(first) > 100
    assert set(first) ^ set(second) == set()


def test_a_label_that_names_another_version_is_refused(docker: Engine, image: str) -> None:
    docker.docker("build", "--network", "host", "--build-arg", "VERSION=9.9.9", ".", limit=600, code=1)


def test_the_demo_answers_confined_and_ends_cleanly(docker: Engine, demo: str, tell: Callable[[str], None]) -> None:
    seconds = wait_until(lambda: health(docker, demo) == "healthy", limit=90, what="the container is healthy")
    page = ask(docker, demo, "/metrics")
    assert len(re.findall(r"^braze_cdi_up\{.*\} 1$", page, re.MULTILINE)) > 10
    assert f'revision="{REVISION}"' in page
    assert "200" in ask(docker, demo, "/")[:4]
    status = docker.docker("exec", demo, "cat", "/proc/1/status")
    assert re.search(r"^Uid:\s+65532\s+65532\s+65532\s+65532$", status, re.MULTILINE)
    assert re.search(r"^Gid:\s+65532\s+65532\s+65532\s+65532$", status, re.MULTILINE)
    assert set(re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    written = docker.docker("exec", demo, "python", "-c", TRY_TO_WRITE).splitlines()
    assert [line for line in written if line.startswith("wrote")] == ["wrote /data"]
    assert stop(docker, demo) == 0
    tell(f"demo: healthy after {seconds:.0f} s as user 65532, no capability, root read-only, stopped with exit code 0")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A folder as the documentation mounts it, with a Braze that does not answer."""
    # pytest's folders are for their owner alone; the image's user must read this one.
    for each in (tmp_path, *list(tmp_path.parents)[:2]):
        each.chmod(0o755)
    (tmp_path / "config.yaml").write_text(
        "workspaces:\n"
        "  - name: production\n"
        "    rest_endpoint: http://127.0.0.1:9\n"
        "    api_key_file: /etc/braze-cdi-exporter/key\n"
        "    integrations: [{id: 00000000-0000-0000-0000-000000000000}]\n"
    )
    (tmp_path / "key").write_text("not-a-real-key\n")
    return tmp_path


def test_the_state_stays_in_its_volume(docker: Engine, image: str, configuration: Path) -> None:
    mounts = ("--volume", f"{configuration}:/etc/braze-cdi-exporter:ro", "--volume", "state:/data")
    try:
        for _ in range(2):
            docker.docker("run", "--detach", "--name", "daemon", *CONFINED, *mounts, image)
            wait_until(lambda: health(docker, "daemon") == "healthy", limit=90, what="the container is healthy")
            assert "\nbraze_cdi_exporter_state_persistent 1\n" in ask(docker, "daemon", "/metrics")
            # A Braze that is down makes nobody restart the exporter.
            assert ask(docker, "daemon", "/-/healthy").startswith("200")
            assert stop(docker, "daemon") == 0
        listing = docker.docker("run", "--rm", *CONFINED, *mounts, "--entrypoint", "ls", image, "-ln", "/data")
        (state,) = (line.split() for line in listing.splitlines() if line.endswith(" state.sqlite"))
        assert state[2:4] == ["65532", "65532"]
    finally:
        docker.docker("rm", "--force", "daemon", code=None)
        docker.docker("volume", "rm", "state", code=None)


def test_check_and_a_wrong_configuration_say_so_by_their_exit_codes(
    docker: Engine, image: str, configuration: Path
) -> None:
    mount = ("--volume", f"{configuration}:/etc/braze-cdi-exporter:ro")
    docker.docker("run", "--rm", *CONFINED, *mount, image, "check")
    with (configuration / "config.yaml").open("a") as config:
        config.write("no_such_key: 1\n")
    docker.docker("run", "--rm", *CONFINED, *mount, image, "check", code=2)
    docker.docker("run", "--rm", *CONFINED, *mount, image, code=2)


def test_the_container_that_is_run_is_the_one_that_was_described(docker: Engine, image: str) -> None:
    config = docker.inspect(image)["Config"]
    assert config["User"] == "65532:65532"
    assert config["ExposedPorts"] == {"10273/tcp": {}}
    assert config["Volumes"] == {"/data": {}}
    assert config["Entrypoint"] == ["braze-cdi-exporter"]
    assert json.dumps(config["Healthcheck"]["Test"]).count("10273") == 1

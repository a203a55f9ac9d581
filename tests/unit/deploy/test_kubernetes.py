"""The Kubernetes manifests render, validate strictly, and mean what they say: selectors, sandbox, shards, alerts."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli.flags import DAEMON_FLAGS
from exporter.config.load import load_config
from exporter.domain.shard import parse_shard
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.self_metrics import SelfMetrics
from tests.components import component

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"
BASE, OPERATOR, SHARDED = (KUBERNETES / each for each in ("base", "components/prometheus-operator", "overlays/sharded"))
LABELS = {"app.kubernetes.io/name": "braze-cdi-exporter"}
RULES = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.rules.yml"))
DOCUMENT = (ROOT / "docs" / "installation.md").read_text()

Manifest = dict[str, Any]


def render(folder: Path) -> str:
    run = subprocess.run([component("kubectl"), "kustomize", folder], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout


def rendered(folder: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(render(folder)))


def one(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = (each for each in manifests if each["kind"] == kind)
    return found


def container(manifests: list[Manifest]) -> Manifest:
    (found,) = one(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def users_own(tmp_path: Path) -> Path:
    """The kustomization that the documentation tells a user to write, in a folder beside this checkout."""
    (example,) = (each for each in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL) if "kind: Kustom" in each)
    (tmp_path / "braze-cdi-exporter").symlink_to(ROOT)
    own = tmp_path / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(textwrap.dedent(example))
    (own / "config.yaml").write_text("workspaces: [of the user]\n")
    return own


@pytest.fixture
def sharded(users_own: Path) -> list[Manifest]:
    """The same with the overlay in place of the base, as the documentation says: everything there is."""
    kustomization = (users_own / "kustomization.yaml").read_text()
    assert kustomization.count("/base\n") == 1
    (users_own / "kustomization.yaml").write_text(kustomization.replace("/base\n", "/overlays/sharded\n"))
    return rendered(users_own)


def validate(manifests: str, file: Path) -> None:
    file.write_text(manifests)
    validator = str(Path(sys.executable).parent / "kubernetes-validate")
    # The oldest that has the label of the ordinal, and the latest there are schemas for.
    for version in ("1.28", "1.32", "1.37"):
        command = [validator, "--strict", "--quiet", "--no-warn", "--kubernetes-version", version, str(file)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("folder", [BASE, SHARDED], ids=lambda folder: folder.name)
def test_the_manifests_validate_strictly(folder: Path, tmp_path: Path) -> None:
    validate(render(folder), tmp_path / "manifests.yaml")


def test_the_kustomization_of_the_documentation_validates_and_takes_effect(users_own: Path, tmp_path: Path) -> None:
    text = render(users_own)
    validate(text, tmp_path / "manifests.yaml")
    manifests = list(yaml.safe_load_all(text))
    assert {each["metadata"]["namespace"] for each in manifests} == {"braze-cdi-exporter"}
    assert container(manifests)["image"].startswith("registry.example.com/braze-cdi-exporter:")
    assert one(manifests, "ConfigMap")["data"] == {"config.yaml": "workspaces: [of the user]\n"}
    # A name by content would start new pods for a change that running ones take over by themselves.
    assert one(manifests, "ConfigMap")["metadata"]["name"] == "braze-cdi-exporter"


def test_every_selector_means_our_pods_and_only_prometheus_may_come_in(sharded: list[Manifest]) -> None:
    kept = one(sharded, "StatefulSet")["spec"]
    assert kept["template"]["metadata"]["labels"] == LABELS
    assert one(sharded, "Service")["spec"]["selector"] == LABELS
    assert one(sharded, "Service")["metadata"]["labels"] == LABELS
    policy = one(sharded, "NetworkPolicy")["spec"]
    spread = kept["template"]["spec"]["topologySpreadConstraints"]
    for selector in [
        kept["selector"],
        policy["podSelector"],
        one(sharded, "PodDisruptionBudget")["spec"]["selector"],
        one(sharded, "ServiceMonitor")["spec"]["selector"],
        *(each["labelSelector"] for each in spread),
    ]:
        assert selector == {"matchLabels": LABELS}
    ((source,),) = (each["from"] for each in policy["ingress"])
    assert source["podSelector"]["matchExpressions"] == [
        {"key": "app.kubernetes.io/name", "operator": "In", "values": ["prometheus"]}
    ]


def test_the_pod_has_no_privilege_and_writes_nowhere_but_to_its_volume() -> None:
    manifests = rendered(BASE)
    pod = one(manifests, "StatefulSet")["spec"]["template"]["spec"]
    (user,) = re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(user),
        "fsGroup": int(user),
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(manifests)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = [each["name"] for each in container(manifests)["volumeMounts"] if not each.get("readOnly")]
    assert writable == [one(manifests, "StatefulSet")["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]]


def test_files_are_where_the_arguments_and_the_configuration_say(tmp_path: Path) -> None:
    manifests = rendered(BASE)
    arguments = dict(each.split("=") for each in container(manifests)["args"])
    places = {each["name"]: each["mountPath"] for each in container(manifests)["volumeMounts"]}
    assert set(arguments) <= set(DAEMON_FLAGS)
    assert arguments["--config.file"] == f"{places['config']}/config.yaml"
    assert arguments["--storage.path"] == places["data"]
    text = one(manifests, "ConfigMap")["data"]["config.yaml"]
    (key,) = re.findall(r"api_key_file: (\S+)", text)
    assert key == f"{places['keys']}/production"
    assert f"--from-file={Path(key).name}=" in DOCUMENT
    (tmp_path / "key").write_text("not-a-real-key\n")
    (tmp_path / "config.yaml").write_text(text.replace(key, str(tmp_path / "key")))
    assert [each.settings.name for each in load_config(str(tmp_path / "config.yaml"), environ={}).workspaces]


def test_scrapes_and_probes_find_the_exporters_port_and_paths(sharded: list[Manifest]) -> None:
    (port,) = container(sharded)["ports"]
    assert port == {"name": "metrics", "containerPort": 10273}
    (service_port,) = one(sharded, "Service")["spec"]["ports"]
    assert (service_port["name"], service_port["targetPort"]) == ("metrics", "metrics")
    assert [each["port"] for each in one(sharded, "ServiceMonitor")["spec"]["endpoints"]] == ["metrics"]
    paths = {container(sharded)[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    assert paths == {"/-/healthy", "/-/ready"}
    assert all(path in (ROOT / "docs" / "http.md").read_text() for path in paths)


def test_each_replica_takes_a_shard_and_together_they_take_all(sharded: list[Manifest]) -> None:
    replicas = one(sharded, "StatefulSet")["spec"]["replicas"]
    index, shard = container(sharded)["env"]
    assert index["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['apps.kubernetes.io/pod-index']"
    assert shard["name"] == "BRAZE_CDI_EXPORTER_SHARD"
    assert replicas > 1
    shards = [parse_shard(shard["value"].replace(f"$({index['name']})", str(number))) for number in range(replicas)]
    for workspace in ("production", "staging", "another", "and another"):
        assert [each.takes(workspace) for each in shards].count(True) == 1


def test_no_label_of_the_operator_pushes_aside_one_of_ours(sharded: list[Manifest]) -> None:
    """What the operator adds to each target (its documentation, "ServiceMonitor") and does not drop again."""
    (endpoint,) = one(sharded, "ServiceMonitor")["spec"]["endpoints"]
    dropped = {each["regex"] for each in endpoint["relabelings"] if each.get("action") == "labeldrop"}
    own = SelfMetrics()
    own.prepare_workspace("any")
    ours = {label for family in CATALOGUE for label in family.labels}
    ours |= set(re.findall(r'[{,](\w+)="', own.render(openmetrics=False).decode()))
    assert ours & {"namespace", "service", "pod", "container", "endpoint", "job", "instance"} == dropped


def test_the_alerts_find_the_job_that_the_monitor_names(sharded: list[Manifest]) -> None:
    (endpoint,) = one(sharded, "ServiceMonitor")["spec"]["endpoints"]
    (job,) = (each["replacement"] for each in endpoint["relabelings"] if each.get("targetLabel") == "job")
    asked_for = {each for rules in RULES for each in re.findall(r'\bjob="([^"]+)"', rules.read_text())}
    assert asked_for == {job}


def test_prometheus_rule_objects_are_the_shipped_rules(sharded: list[Manifest]) -> None:
    objects = sorted(OPERATOR.glob("prometheusrule-*.yaml"))
    assert [each.stem.removeprefix("prometheusrule-") for each in objects] == [
        each.name.removesuffix(".rules.yml") for each in RULES
    ]
    for made, rules in zip(objects, RULES, strict=True):
        spec = made.read_text().partition("\nspec:\n")[2]
        assert textwrap.dedent(spec) == rules.read_text(), "make generate makes it current"
    assert {each["metadata"]["name"] for each in sharded if each["kind"] == "PrometheusRule"} == {
        each.name.removesuffix(".rules.yml") for each in RULES
    }


def test_promtool_takes_what_the_operator_hands_to_prometheus(sharded: list[Manifest], tmp_path: Path) -> None:
    specs = [each["spec"] for each in sharded if each["kind"] == "PrometheusRule"]
    for number, spec in enumerate(specs):
        (tmp_path / f"{number}.yml").write_text(yaml.safe_dump(spec))
    command = [str(component("promtool")), "check", "rules", *map(str, tmp_path.glob("*.yml"))]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr

"""The Helm chart, rendered by helm: valid in many settings, and the same objects as the Kustomize base."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config.load import load_config
from tests.components import component

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "deploy" / "helm" / "braze-cdi-exporter"
HELM = ROOT / ".tools" / "go" / "bin" / "helm"
NAME = "app.kubernetes.io/name"
ALL = {
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "everything": {
        **ALL,
        "shards": 3,
        "image": {"repository": "registry.example.com/b", "tag": "1", "digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "pull"}],
        "commonLabels": {"team": "crm"},
        "apiKeys": {"create": {"production": "not-a-real-key"}},
        "extraArgs": ["--log.level=debug", "--web.config.file=/web/web.yaml"],
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"}],
        "extraVolumes": [{"name": "web", "secret": {"secretName": "web"}}],
        "extraVolumeMounts": [{"name": "web", "mountPath": "/web", "readOnly": True}],
        "persistence": {"size": "2Gi", "storageClassName": "fast", "annotations": {"a": "b"}},
        "service": {"port": 8080, "annotations": {"a": "b"}},
        "serviceAccount": {"create": True, "annotations": {"a": "b"}},
        "networkPolicy": {"extraEgress": [{"ports": [{"port": 3128, "protocol": "TCP"}]}]},
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "terminationGracePeriodSeconds": 20,
        "projectUrl": "https://forge.example.com/a/exporter/",
    },
    "nothing optional": {
        "persistence": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "existingConfigMap": "mine",
        "apiKeys": {"existingSecret": "mine"},
        "livenessProbe": None,
        "fullnameOverride": "short",
    },
}

Manifest = dict[str, Any]


def helm(*arguments: str, values: Manifest | None = None) -> subprocess.CompletedProcess[str]:
    """What helm says to *arguments*; the values come on its standard input."""
    command = [str(HELM), *arguments, "--values", "-"]
    return subprocess.run(command, input=json.dumps(values or {}), capture_output=True, text=True, check=False)


def render(values: Manifest, release: str = "braze-cdi-exporter") -> str:
    run = helm("template", release, str(CHART), "--kube-version", "1.32", "--namespace", "monitoring", values=values)
    assert run.returncode == 0, run.stderr
    return run.stdout


def objects(values: Manifest, release: str = "braze-cdi-exporter") -> list[Manifest]:
    return [each for each in yaml.safe_load_all(render(values, release)) if each]


def one(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = (each for each in manifests if each["kind"] == kind)
    return found


def container(manifests: list[Manifest]) -> Manifest:
    (found,) = one(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def labels_in(value: object) -> Iterator[dict[str, str]]:
    """Every mapping of labels in *value*, selectors among them."""
    if isinstance(value, dict):
        if NAME in value:
            yield value
        for each in value.values():
            yield from labels_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from labels_in(each)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_chart_lints_strictly(name: str) -> None:
    run = helm("lint", "--strict", "--kube-version", "1.32", str(CHART), values=SETTINGS[name])
    assert run.returncode == 0, run.stdout + run.stderr
    assert "[WARNING]" not in run.stdout


@pytest.mark.parametrize("name", SETTINGS)
def test_the_objects_validate_strictly(name: str, tmp_path: Path) -> None:
    file = tmp_path / "objects.yaml"
    file.write_text(render(SETTINGS[name]))
    validator = str(Path(sys.executable).parent / "kubernetes-validate")
    for version in ("1.28", "1.32", "1.37"):
        command = [validator, "--strict", "--quiet", "--no-warn", "--kubernetes-version", version, str(file)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(("folder", "shards"), [("base", 1), ("overlays/sharded", 3)])
def test_chart_and_kustomize_render_to_the_same_objects(folder: str, shards: int) -> None:
    """Apart from what Helm adds: its labels, the release's namespace, and a pull policy that is the default anyway."""
    kustomize = []
    for part in (folder, "components/prometheus-operator"):
        command = [str(component("kubectl")), "kustomize", str(ROOT / "deploy" / "kubernetes" / part)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        kustomize += list(yaml.safe_load_all(run.stdout))
    chart = objects({**ALL, "dashboards": {"enabled": False}, "shards": shards})
    assert container(chart).pop("imagePullPolicy") == "IfNotPresent"
    for each in chart:
        assert each["metadata"].pop("namespace") == "monitoring"
        for labels in labels_in(each):
            kept = labels[NAME]
            labels.clear()
            labels[NAME] = kept
    for each in [*chart, *kustomize]:
        if each["kind"] == "ConfigMap":
            each["data"] = {name: yaml.safe_load(text) for name, text in each["data"].items()}
        if each["kind"] == "PrometheusRule":
            suffix = each["metadata"]["name"].removeprefix("braze-cdi-exporter-").removeprefix("braze-cdi-")
            each["metadata"]["name"] = suffix

    def key(manifest: Manifest) -> tuple[str, str]:
        return manifest["kind"], manifest["metadata"]["name"]

    assert sorted(chart, key=key) == sorted(kustomize, key=key)


def test_the_pod_satisfies_the_restricted_standard_in_every_setting() -> None:
    for values in SETTINGS.values():
        manifests = objects(values)
        pod = one(manifests, "StatefulSet")["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        context = container(manifests)["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not {"hostPath", "hostNetwork"} & {kind for volume in pod["volumes"] for kind in volume}


def test_the_selectors_tell_two_releases_apart() -> None:
    first, second = (objects(ALL, release) for release in ("one", "two"))
    assert {each["metadata"]["name"] for each in first}.isdisjoint({each["metadata"]["name"] for each in second})
    selectors = [one(each, "Service")["spec"]["selector"] for each in (first, second)]
    assert selectors[0] != selectors[1]
    for manifests, selector in zip((first, second), selectors, strict=True):
        assert one(manifests, "StatefulSet")["spec"]["selector"]["matchLabels"] == selector
        assert one(manifests, "ServiceMonitor")["spec"]["selector"]["matchLabels"] == selector
        assert one(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == selector


def test_everything_that_is_set_arrives() -> None:
    manifests = objects(SETTINGS["everything"])
    stateful = one(manifests, "StatefulSet")["spec"]
    pod = stateful["template"]["spec"]
    assert container(manifests)["image"] == f"registry.example.com/b:1@sha256:{'0' * 64}"
    assert "--web.listen-address=:8080" in container(manifests)["args"]
    assert container(manifests)["args"][-2:] == ["--log.level=debug", "--web.config.file=/web/web.yaml"]
    assert [each["name"] for each in container(manifests)["env"]] == [
        "POD_INDEX",
        "BRAZE_CDI_EXPORTER_SHARD",
        "HTTPS_PROXY",
    ]
    assert stateful["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"
    assert {each["name"] for each in pod["volumes"]} == {"config", "keys", "web"}
    assert pod["serviceAccountName"] == one(manifests, "ServiceAccount")["metadata"]["name"]
    secret = one(manifests, "Secret")
    assert secret["metadata"]["name"] == pod["volumes"][1]["secret"]["secretName"]
    assert all(each["metadata"]["labels"]["team"] == "crm" for each in manifests)


def test_what_is_turned_off_is_absent() -> None:
    manifests = objects(SETTINGS["nothing optional"])
    assert {each["kind"] for each in manifests} == {"Service", "StatefulSet"}
    pod = one(manifests, "StatefulSet")["spec"]["template"]["spec"]
    assert {"name": "data", "emptyDir": {}} in pod["volumes"]
    assert pod["volumes"][0]["configMap"]["name"] == "mine"
    assert pod["volumes"][1]["secret"]["secretName"] == "mine"
    assert "livenessProbe" not in container(manifests)


def test_the_sidecar_finds_dashboards_that_are_the_shipped_ones() -> None:
    maps = [each for each in objects(ALL) if "grafana_dashboard" in each["metadata"]["labels"]]
    held = {name: json.loads(text) for each in maps for name, text in each["data"].items()}
    shipped = (ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")
    assert held == {path.name: json.loads(path.read_text()) for path in shipped}


def test_job_and_links_are_set_in_one_place() -> None:
    text = render({**ALL, "job": "mine", "projectUrl": "https://forge.example.com/a/exporter/"})
    assert 'job="mine"' in text
    assert 'job="braze-cdi-exporter"' not in text
    assert "https://forge.example.com/a/exporter/blob/main/docs/runbook.md#" in text
    assert "braze-cdi-exporter/braze-cdi-exporter/" not in text


def test_promtool_takes_the_rules_with_another_job(tmp_path: Path) -> None:
    specs = [each["spec"] for each in objects({**ALL, "job": "mine"}) if each["kind"] == "PrometheusRule"]
    assert specs
    for number, spec in enumerate(specs):
        (tmp_path / f"{number}.yml").write_text(yaml.safe_dump(spec))
    command = [str(component("promtool")), "check", "rules", *map(str, tmp_path.glob("*.yml"))]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_exporter_takes_the_configuration(tmp_path: Path) -> None:
    text = one(objects({}), "ConfigMap")["data"]["config.yaml"]
    (tmp_path / "key").write_text("not-a-real-key\n")
    place = "/run/secrets/braze-cdi-exporter/production"
    (tmp_path / "config.yaml").write_text(text.replace(place, str(tmp_path / "key")))
    config = load_config(str(tmp_path / "config.yaml"), environ={})
    assert [each.settings.name for each in config.workspaces] == ["production"]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"replicas": 2}, "replicas"),
        ({"shards": 0}, "shards"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"config": {"workspaces": []}}, "workspaces"),
        ({"config": {"workspaces": [{"name": "a", "rest_endpoint": "https://rest.iad-03.braze.com"}]}}, "api_key"),
        ({"extraArgs": ["log.level=debug"]}, "extraArgs"),
        ({"apiKeys": {"existingSecret": "a", "create": {"production": "k"}}}, "not both"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_value_is_refused_by_name(values: Manifest, complaint: str) -> None:
    run = helm("template", "r", str(CHART), "--kube-version", "1.32", values=values)
    assert run.returncode != 0
    assert complaint in run.stderr

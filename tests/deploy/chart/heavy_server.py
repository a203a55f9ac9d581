"""A real API server takes every object of chart and Kustomize: admission, defaults and strict fields, as a dry run."""

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml

from tests.components import component
from tests.deploy.chart.api_server import ROOT, ApiServer, Manifest, api_server
from tests.deploy.chart.heavy_chart import ALL, SETTINGS, objects
from tests.e2e.command import wait_for

NAMESPACE = "monitoring"
KUSTOMIZATIONS = ["base", "overlays/sharded", "components/prometheus-operator"]
CRDS = ROOT / "tests" / "data" / "crds"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """With a namespace that enforces the restricted standard, and the operator's kinds."""
    with api_server(tmp_path_factory.mktemp("server")) as own:
        standard = {f"pod-security.kubernetes.io/{each}": "restricted" for each in ("enforce", "warn")}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": standard}}
        priority = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "high"},
            "value": 1,
        }
        assert own.create(namespace, dry=False) + own.create(priority, dry=False) == []
        for path in CRDS.glob("*.json"):
            made = definition(json.loads(path.read_text()))
            assert own.create(made, dry=False) == []
            version = f"{made['spec']['group']}/{made['spec']['versions'][0]['name']}"
            wait_for(path.stem, partial(own.has, version, path.stem))
        yield own


def definition(schema: Manifest) -> Manifest:
    """The kind that *schema* of tests/data/crds describes, as a server is told of it."""
    properties = schema["properties"]
    kind = properties["kind"]["const"]
    group, version = properties["apiVersion"]["const"].split("/")
    plural = f"{kind.lower()}s"
    openapi = {"type": "object", "properties": {"spec": as_structural(properties["spec"])}}
    versions = [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": openapi}}]
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }


def as_structural(schema: Any) -> Any:
    """Whole numbers or texts have a word of their own there, and so has what may be anything."""
    if isinstance(schema, list):
        return [as_structural(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if not schema:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    if "anyOf" in schema:
        return {"x-kubernetes-int-or-string": True}
    return {key: as_structural(value) for key, value in schema.items()}


def kustomize(folder: str) -> list[Manifest]:
    command = [str(component("kubectl")), "kustomize", str(ROOT / "deploy" / "kubernetes" / folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [each for each in yaml.safe_load_all(run.stdout) if each]


@pytest.mark.parametrize("name", SETTINGS)
def test_the_server_takes_the_chart(server: ApiServer, name: str) -> None:
    assert refused(server, objects(SETTINGS[name])) == {}


@pytest.mark.parametrize("folder", KUSTOMIZATIONS)
def test_the_server_takes_what_kustomize_makes(server: ApiServer, folder: str) -> None:
    assert refused(server, kustomize(folder)) == {}


def test_the_server_takes_the_examples_of_the_operator(server: ApiServer) -> None:
    folder = ROOT / "deploy" / "kubernetes" / "examples"
    examples = [folder / f"{name}.yaml" for name in ("alertmanagerconfig", "podmonitor")]
    assert refused(server, [each for path in examples for each in yaml.safe_load_all(path.read_text())]) == {}


def refused(server: ApiServer, manifests: list[Manifest]) -> dict[str, list[str]]:
    """What the server says against each object, and against the pods of a stateful set, which nobody makes here."""
    assert manifests
    pods = [pod_of(each) for each in manifests if each["kind"] == "StatefulSet"]
    said = {
        f"{each['kind']} {each['metadata']['name']}": server.create(each, NAMESPACE) for each in [*manifests, *pods]
    }
    return {name: complaints for name, complaints in said.items() if complaints}


def pod_of(stateful_set: Manifest) -> Manifest:
    """The pod that its controller would make, each claim among its volumes."""
    spec, name = stateful_set["spec"], stateful_set["metadata"]["name"]
    template = spec["template"]
    claims = [each["metadata"]["name"] for each in spec.get("volumeClaimTemplates", ())]
    volumes = [{"name": each, "persistentVolumeClaim": {"claimName": f"{each}-{name}-0"}} for each in claims]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": f"{name}-0"},
        "spec": {**template["spec"], "volumes": [*template["spec"]["volumes"], *volumes]},
    }


def test_the_server_refuses_what_is_wrong(server: ApiServer) -> None:
    """Or the tests above would show nothing."""
    (wrong,) = (each for each in objects({}) if each["kind"] == "StatefulSet")
    wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    wrong["spec"]["no_such_field"] = 1
    (rule, *_) = (each for each in objects(ALL) if each["kind"] == "PrometheusRule")
    rule["spec"]["groups"][0]["interval"] = "often"
    complaints = refused(server, [wrong, rule])
    assert "no_such_field" in str(complaints)
    assert "violates PodSecurity" in str(complaints)
    assert "interval" in str(complaints)

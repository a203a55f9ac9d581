"""A Kubernetes of which only the API server and its etcd run: it admits or refuses objects, and keeps to that."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.command import wait_for
from tests.stack.programs import free_port, running

ROOT = Path(__file__).resolve().parents[3]
BIN = ROOT / ".tools" / "kubernetes" / "bin"
Manifest = dict[str, Any]


class ApiServer:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._resources: dict[tuple[str, str], tuple[str, bool]] = {}

    def is_ready(self) -> bool:
        try:
            return self._client.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def create(self, manifest: Manifest, namespace: str = "", *, dry: bool = True) -> list[str]:
        """What the server has against *manifest*: its refusal, or its warnings. Of a dry run it keeps nothing."""
        group = "api" if manifest["apiVersion"] == "v1" else "apis"
        base = f"/{group}/{manifest['apiVersion']}"
        plural, is_namespaced = self._resource(base, manifest["kind"])
        path = f"{base}/namespaces/{namespace}/{plural}" if is_namespaced else f"{base}/{plural}"
        params = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry else {})}
        answer = self._client.post(path, params=params, json=manifest)
        if answer.status_code != httpx.codes.CREATED:
            return [answer.text]
        return answer.headers.get_list("warning")

    def _resource(self, base: str, kind: str) -> tuple[str, bool]:
        if (base, kind) not in self._resources:
            for each in self._client.get(base).raise_for_status().json()["resources"]:
                if "/" not in each["name"]:
                    self._resources[base, each["kind"]] = each["name"], each["namespaced"]
        return self._resources[base, kind]

    def has(self, api_version: str, kind: str) -> bool:
        try:
            return bool(self._resource(f"/apis/{api_version}", kind))
        except (httpx.HTTPStatusError, KeyError):
            return False


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """One of its own on loopback, which everyone with the token may ask for everything."""
    clients, peers, port = (free_port() for _ in range(3))
    key, tokens = folder / "accounts.pem", folder / "tokens.csv"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    tokens.write_text("not-a-real-token,tester,1,system:masters\n")
    store = [
        *(str(BIN / "server"), f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync"),
        *(f"--listen-{kind}-urls=http://127.0.0.1:{each}" for kind, each in (("client", clients), ("peer", peers))),
        f"--advertise-client-urls=http://127.0.0.1:{clients}",
    ]
    server = [
        *(str(BIN / "kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{clients}"),
        *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={port}"),
        "--endpoint-reconciler-type=none",  # it would refuse to tell others of loopback
        *(f"--cert-dir={folder}", f"--token-auth-file={tokens}", "--authorization-mode=RBAC"),
        *("--service-cluster-ip-range=10.0.0.0/24", "--service-account-issuer=https://kubernetes.default"),
        *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
        # Accounts are made by a controller, and none runs here.
        "--disable-admission-plugins=ServiceAccount",
    ]
    with running(folder / "etcd.log", store), running(folder / "server.log", server):
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            headers={"Authorization": "Bearer not-a-real-token"},
            verify=False,  # it makes its own certificate
            trust_env=False,
            timeout=30,
        )
        with client:
            own = ApiServer(client)
            log = folder / "server.log"
            wait_for("the API server", own.is_ready, seconds=120, hint=lambda: log.read_text()[-4000:])
            yield own

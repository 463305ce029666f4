"""etcd and kube-apiserver for tests: no root, free ports, everything in one folder. No controllers run, so nothing is
scheduled, and a deleted namespace stays.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hedgerow_local.errors import LocalError
from hedgerow_local.owned import OwnedProcess
from hedgerow_local.ports import LOOPBACK, free_ports

ROOT = Path(__file__).resolve().parents[1]
START_DEADLINE_S = 120.0
STOP_GRACE_S = 10.0


def kubernetes_programs() -> Path:
    """The folder that `scripts/install.sh --kubernetes` fills, or the one that KUBEBUILDER_ASSETS names.

    Raises:
        LocalError: nothing is there yet.
    """
    build = ROOT / "scripts/kubernetes/build.sh"
    folder = subprocess.run([build, "--folder"], capture_output=True, text=True, check=True).stdout.strip()
    if subprocess.run([build, "--check"], check=False).returncode != 0:
        raise LocalError(
            f"kube-apiserver, etcd or kubectl are not in {folder}: run scripts/install.sh --kubernetes"
        )
    return Path(folder)


def program(name: str) -> Path:
    """kubectl or helm: the built one, else the one on PATH."""
    built = kubernetes_programs() / name
    found = built if built.is_file() else shutil.which(name)
    if found is None:
        raise LocalError(
            f"{name} is neither in {built.parent} nor on PATH: run scripts/install.sh --kubernetes"
        )
    return Path(found)


class KubeServer:
    """An API server with its etcd, whose kubeconfig gives every right."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.kubeconfig = home / "kubeconfig"
        self._processes: list[OwnedProcess] = []

    def start(self) -> None:
        """Returns when the API server is ready.

        Raises:
            LocalError: a program is missing, ended, or was not ready in time.
        """
        programs = kubernetes_programs()
        self.home.mkdir(parents=True, exist_ok=True)
        client, peer, secure = free_ports(3)
        etcd = [str(programs / "etcd"), *_etcd_options(self.home / "etcd", client, peer)]
        self._processes.append(OwnedProcess("etcd", etcd, log=self.home / "etcd.log"))
        token = secrets.token_hex(16)
        apiserver = [str(programs / "kube-apiserver"), *self._apiserver_options(client, secure, token)]
        self._processes.append(
            OwnedProcess(
                "kube-apiserver", apiserver, log=self.home / "kube-apiserver.log", environment=_quiet()
            )
        )
        self._write_kubeconfig(secure, token)
        self._wait_until_ready(programs / "kubectl")

    def stop(self) -> None:
        while self._processes:
            self._processes.pop().stop(STOP_GRACE_S)

    def _apiserver_options(self, etcd: int, port: int, token: str) -> list[str]:
        tokens, key = self.home / "tokens.csv", self.home / "service-accounts.key"
        tokens.write_text(f"{token},admin,admin,system:masters\n")
        private = ec.generate_private_key(ec.SECP256R1())
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        for file in (tokens, key):
            file.chmod(0o600)
        return [
            f"--etcd-servers=http://{LOOPBACK}:{etcd}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            # It makes itself a certificate there, which is its own authority.
            f"--cert-dir={self.home / 'certificates'}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            # Without controllers no namespace would ever get the ServiceAccount that pods ask for.
            "--disable-admission-plugins=ServiceAccount",
            "--allow-privileged",
        ]

    def _write_kubeconfig(self, port: int, token: str) -> None:
        authority = str(self.home / "certificates" / "apiserver.crt")
        server = f"https://{LOOPBACK}:{port}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": authority}}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        }
        self.kubeconfig.write_text(json.dumps(config))
        self.kubeconfig.chmod(0o600)

    def _wait_until_ready(self, kubectl: Path) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        ask = [str(kubectl), f"--kubeconfig={self.kubeconfig}", "get", "--raw=/readyz"]
        # The default namespace comes a moment after readiness.
        then = [str(kubectl), f"--kubeconfig={self.kubeconfig}", "get", "namespace", "default"]
        answer = "nothing"
        while time.monotonic() < deadline:
            for process in self._processes:
                process.require_alive()
            results = [
                subprocess.run(command, capture_output=True, text=True, check=False)
                for command in (ask, then)
            ]
            if all(result.returncode == 0 for result in results):
                return
            answer = " ".join(result.stderr.strip() for result in results)
            time.sleep(0.2)
        raise LocalError(
            f"the API server was not ready in {START_DEADLINE_S:.0f} s; it last answered: {answer}"
        )


def _etcd_options(data: Path, client: int, peer: int) -> list[str]:
    clients, peers = f"http://{LOOPBACK}:{client}", f"http://{LOOPBACK}:{peer}"
    return [
        f"--data-dir={data}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
    ]


def _quiet() -> dict[str, str]:
    """The environment without proxies: they would stand between the API server and its own loopback."""
    return {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}

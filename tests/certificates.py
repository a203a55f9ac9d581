"""Certificates and keys in files, as web configurations name them; made once for each test that asks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def write_certificates(directory: Path) -> trustme.CA:
    """
    Write every file that tests/data/web_config names, and return the authority that signed the server and clients.

    `server` and `ca` are good; `other.key` is of another server; `protected.key` has a passphrase; `weak` is too short.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.crt"))
    server = authority.issue_cert("localhost", "127.0.0.1")
    (directory / "server.crt").write_bytes(b"".join(pem.bytes() for pem in server.cert_chain_pems))
    (directory / "server.key").write_bytes(server.private_key_pem.bytes())
    (directory / "other.key").write_bytes(authority.issue_cert("other").private_key_pem.bytes())
    key = serialization.load_pem_private_key(server.private_key_pem.bytes(), None)
    (directory / "protected.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    _write_weak(directory)
    return authority


def _write_weak(directory: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # to see it refused
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    (directory / "weak.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "weak.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )

"""Users with cheap hashes, as a web configuration has them."""

import base64
from collections.abc import Mapping

import bcrypt
from pydantic import SecretBytes

CHEAPEST = 4


def hidden(password: bytes, cost: int = CHEAPEST, prefix: bytes = b"2b") -> SecretBytes:
    return SecretBytes(bcrypt.hashpw(password, bcrypt.gensalt(cost, prefix)))


def users(**passwords: str) -> Mapping[str, SecretBytes]:
    return {name: hidden(password.encode()) for name, password in passwords.items()}


def credentials(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

"""Users with cheap hashes, as a web configuration has them."""

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import TypeVar

import bcrypt
from pydantic import SecretBytes

from exporter.worker import Worker

T = TypeVar("T")

CHEAPEST = 4
CHECK_SECONDS = 0.05


class VirtualWorker(Worker):
    """Needs no thread, and for each job some virtual time."""

    def __init__(self) -> None:
        super().__init__("virtual")
        self.jobs = 0

    async def run(self, job: Callable[[], T]) -> T:
        self.jobs += 1
        await asyncio.sleep(CHECK_SECONDS)
        return job()


def hidden(password: bytes, cost: int = CHEAPEST, prefix: bytes = b"2b") -> SecretBytes:
    return SecretBytes(bcrypt.hashpw(password, bcrypt.gensalt(cost, prefix)))


def users(**passwords: str) -> Mapping[str, SecretBytes]:
    return {name: hidden(password.encode()) for name, password in passwords.items()}


def credentials(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()

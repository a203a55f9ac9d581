"""
Programs of another processor, run here: the kernel hands them to QEMU, which Debian has as qemu-user-static.

Decides that the kernel is told for as long as a test needs it, and not at all where it has been told before.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.heavy.programs import run

KERNEL = Path("/proc/sys/fs/binfmt_misc")
EMULATOR = "/usr/bin/qemu-aarch64-static"
AARCH64 = 183
"""The machine's number in the header of an ELF file."""


def _registration(name: str) -> bytes:
    """Programs and libraries, of 64 bits and the little end first; F: opened now, so that it is found in any root."""
    magic = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, AARCH64)
    mask = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + struct.pack("<HH", 0xFFFE, 0xFFFF)
    escaped = ("".join(f"\\x{byte:02x}" for byte in each) for each in (magic, mask))
    return ":".join(["", name, "M", "0", *escaped, EMULATOR, "F"]).encode()


@contextmanager
def emulated_arm64() -> Iterator[None]:
    mounted = not (KERNEL / "register").exists()
    if mounted:
        run("mount", "-t", "binfmt_misc", "binfmt_misc", KERNEL)
    entry = KERNEL / "cdi-aarch64"
    unknown = not list(KERNEL.glob("*aarch64*"))
    try:
        if unknown:
            (KERNEL / "register").write_bytes(_registration(entry.name))
        yield
    finally:
        if unknown and entry.exists():
            entry.write_text("-1")
        if mounted:
            run("umount", KERNEL)

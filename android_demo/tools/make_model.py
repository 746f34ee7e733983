"""Makes the app's model anew: `make_model.py RUN`, RUN a folder of `make demo` (demo_out/xnodr).

Converts its best.keras with an int8 backbone, checks the size, and brings in line what tells of the
model: models/README.md and the expected outputs of the app's tests. Needs the toolkit; `make apk`
does not need this.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "android_demo/models/digits.tflite"
README = MODEL.with_name("README.md")
GOLDEN = ROOT / "tests/golden/android"
MOST_BYTES = 300_000


def main() -> int:
    if len(sys.argv) != 2 or not (run := pathlib.Path(sys.argv[1])).is_dir():
        sys.stderr.write("make_model: expected the folder of a run, such as demo_out/xnodr\n")
        return 2
    command = [sys.executable, "-m", "xncaps", "convert", str(run / "best.keras"),
               "--to", "fused", "--int8", "-o", str(MODEL)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        return 1
    content = MODEL.read_bytes()
    if len(content) >= MOST_BYTES:
        sys.stderr.write(f"make_model: expected less than {MOST_BYTES} bytes: {len(content)}\n")
        return 1
    _tell(content, done.stdout)
    _golden()
    return 0


def _tell(content: bytes, said: str) -> None:
    """Size, hash and accuracy in the README are the file's."""
    keras, file = re.findall(r"accuracy +Keras ([\d.]+)%, file ([\d.]+)%", said)[0]
    (images,) = re.findall(r"verified on all (\d+) samples", said)
    facts = (
        f"{len(content):,} bytes, sha256\n`{hashlib.sha256(content).hexdigest()}`.\n"
        f"On the {images} test images Keras has {keras} %, the file {file} %."
    )
    text = README.read_text(encoding="utf-8")
    start, end = "<!-- facts -->\n", "\n<!-- end -->"
    before, rest = text.split(start)
    README.write_text(before + start + facts + end + rest.split(end)[1], encoding="utf-8")


def _golden() -> None:
    spec = importlib.util.spec_from_file_location("make_models", GOLDEN / "make_models.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(GOLDEN / "make_models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_app(GOLDEN)


if __name__ == "__main__":
    sys.exit(main())

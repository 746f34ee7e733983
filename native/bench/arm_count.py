"""Counts the instructions of the inner loops on aarch64: our kernels' against LCE's.

`make arm-count` installs what it needs (Debian: g++-aarch64-linux-gnu, llvm) and runs it. Ours are
compiled for aarch64 here; LCE's are disassembled
from its macOS wheel, the one with aarch64 code that PyPI has. A loop counts as one where it counts
bits (`cnt`): every byte counted is eight products of signs. Cycles are llvm-mca's of the loop on
the in-order Cortex-A55 and on Cortex-A57, caches warm: a model, no measurement.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NATIVE = Path(__file__).parents[1]
COMPILER = "aarch64-linux-gnu-g++"
FLAGS = "-std=c++17 -O3 -fno-exceptions -fno-rtti -fno-math-errno -fPIC".split()
WHEEL = "larq-compute-engine==0.16.0"
LIBRARY = "larq_compute_engine/tflite/python/interpreter_wrapper_lite.so"
CORES = ("cortex-a55", "neoverse-n1")
LONGEST = 4096  # bytes of an inner loop
_LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
_BRANCH = re.compile(r"^(b\.?\w*|cbn?z|tbn?z)$")
_TARGET = re.compile(r"0x([0-9a-f]+)")


@dataclass(frozen=True)
class Instruction:
    address: int
    mnemonic: str
    operands: str

    @property
    def counted_bytes(self) -> int:
        """Bytes whose bits this instruction counts."""
        if not self.mnemonic.startswith("cnt"):
            return 0
        return 16 if "16b" in self.mnemonic + self.operands else 8

    @property
    def target(self) -> int | None:
        """Where a branch goes."""
        found = _TARGET.search(self.operands)
        return int(found[1], 16) if _BRANCH.match(self.mnemonic) and found else None


@dataclass(frozen=True)
class Loop:
    function: str
    body: tuple[Instruction, ...]

    @property
    def products(self) -> int:
        """Products of signs in one pass."""
        return 8 * sum(i.counted_bytes for i in self.body)

    def count(self, start: str) -> int:
        return sum(i.mnemonic.startswith(start) for i in self.body)


def require_tools() -> None:
    """Says in one line what to install where a tool is missing."""
    packages = {
        COMPILER: "g++-aarch64-linux-gnu",
        "llvm-objdump-19": "llvm-19",
        "llvm-mca-19": "llvm-19",
    }
    missing = sorted({package for tool, package in packages.items() if not shutil.which(tool)})
    if missing:
        sys.exit(f"arm_count: install its tools first: apt-get install {' '.join(missing)}")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def functions(binary: Path) -> Iterator[tuple[str, list[Instruction]]]:
    """The code of each symbol."""
    name, code = "", []
    for line in run("llvm-objdump-19", "-d", "-C", "--no-show-raw-insn", str(binary)).splitlines():
        if line.endswith(">:"):
            yield name, code
            name, code = line[line.index("<") + 1 : -2], []
        elif found := _LINE.match(line):
            code.append(Instruction(int(found[1], 16), found[2], found[3]))
    yield name, code


def loops(binary: Path) -> Iterator[Loop]:
    """Inner loops that count bits in vectors of 16 bytes."""
    for name, code in functions(binary):
        if not any(i.counted_bytes == 16 for i in code):
            continue
        counting = [i.address for i in code if i.counted_bytes == 16]
        spans = {
            (i.target, i.address)
            for i in code
            if i.target is not None
            and i.target <= i.address < i.target + LONGEST
            and bisect_left(counting, i.target) < bisect_left(counting, i.address)
        }
        addresses = [i.address for i in code]
        for start, end in sorted(spans):
            if any((a, b) != (start, end) and start <= a and b <= end for a, b in spans):
                continue
            first, last = bisect_left(addresses, start), bisect_left(addresses, end)
            yield Loop(name, tuple(code[first : last + 1]))


def cycles(loop: Loop, core: str, apple: bool) -> float:
    """llvm-mca's cycles a pass, from a hundred."""
    text = "\n".join(
        f"{i.mnemonic} {i.operands.split('<')[0].split('//')[0].split(';')[0]}"
        for i in loop.body
        if i.target is None
    )
    triple = "arm64-apple-macos" if apple else "aarch64-linux-gnu"
    with tempfile.NamedTemporaryFile("w", suffix=".s") as file:
        file.write(text)
        file.flush()
        out = run(
            "llvm-mca-19", f"-mtriple={triple}", f"-mcpu={core}", "-iterations=100", file.name
        )
    found = re.search(r"Total Cycles:\s+(\d+)", out)
    if found is None:
        raise ValueError(f"llvm-mca: expected total cycles. Received: {out[:200]}")
    return int(found[1]) / 100


def ours(folder: Path) -> list[Path]:
    """Our kernels, compiled."""
    objects = []
    for source in sorted((NATIVE / "kernels").glob("*_neon.cc")):
        objects.append(folder / f"{source.stem}.o")
        run(COMPILER, *FLAGS, f"-I{NATIVE}", "-c", str(source), "-o", str(objects[-1]))
    return objects


def theirs(folder: Path) -> Path:
    """LCE's interpreter for aarch64."""
    run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)),
        *("--platform", "macosx_12_0_arm64", "--python-version", "3.11"),
        *("--only-binary=:all:", WHEEL),
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return Path(wheel.extract(LIBRARY, folder))


def short(function: str, width: int = 52) -> str:
    """A function's name without namespaces and arguments."""
    name = re.sub(r"\(anonymous namespace\)::|xncaps::|void ", "", function)
    return name.split("(")[0][-width:]


def table(binary: Path, title: str, apple: bool) -> dict[str, float]:
    """Prints the loops of a file; returns each function's fewest instructions a 1024 products."""
    sys.stdout.write(
        f"\n{title}\n{'loop in':52} {'products':>8} {'instr.':>6} {'loads':>5} {'stores':>6}"
        f" {'instr./1024':>11} {'A55 cyc./1024':>13} {'N1 cyc./1024':>13}\n"
    )
    best: dict[str, float] = {}
    seen: set[tuple[str, ...]] = set()
    for loop in loops(binary):
        name = "(no symbols)" if apple else short(loop.function)
        shape = (name, *(i.mnemonic for i in loop.body))
        if shape in seen:
            continue
        seen.add(shape)
        scale = 1024 / loop.products
        best[name] = min(best.get(name, 1e9), len(loop.body) * scale)
        a55, n1 = (cycles(loop, core, apple) * scale for core in CORES)
        sys.stdout.write(
            f"{name:52} {loop.products:8} {len(loop.body):6} {loop.count('ld'):5}"
            f" {loop.count('st'):6} {len(loop.body) * scale:11.1f} {a55:13.1f} {n1:13.1f}\n"
        )
    return best


def summary(our: dict[str, float], their: dict[str, float]) -> None:
    """The two ops that both have, by their best loops."""
    odr = min(value for name, value in our.items() if "ProjectOdrBlock<false, 1>" in name)
    best = min(their.values())
    sys.stdout.write(
        "\nInstructions for 1,024 products of the model, best loops:\n"
        f"XnODR, D = 8: ours {odr:.0f}, and u_hat is scaled, stored and summed for the first turn;"
        f" LCE {4 * best:.0f}, only counted: 8 of the 32 bits it needs in a group are the model's\n"
    )
    bconv = min(value for name, value in our.items() if name.startswith("CountBlocks<"))
    sys.stdout.write(f"LceBconv2d: ours {bconv:.1f}, LCE {best:.1f}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, help="LCE's interpreter, where it is unpacked")
    args = parser.parse_args()
    require_tools()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        our: dict[str, float] = {}
        for binary in ours(folder):
            our |= table(binary, f"xncaps, {binary.stem}", apple=False)
        summary(our, table(args.library or theirs(folder), f"{WHEEL}, macOS", apple=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Counts instructions and estimates cycles of the inner loops on aarch64: ours, LCE's, XNNPACK's.

`make arm-count` installs what it needs (Debian: g++-aarch64-linux-gnu, llvm-19), prints the table
of docs/native.md and puts it there. Ours are compiled here by gcc and by clang (the wheel's); LCE's
are disassembled from its macOS wheel, the one with aarch64 code that PyPI has; XNNPACK's from
LiteRT's wheel. A loop counts where it counts bits (`cnt`): each byte is eight products of signs.
Cycles are llvm-mca's on the in-order Cortex-A55 and on Neoverse N1 (which stands for Cortex-A76),
caches warm: a model, no measurement.
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

from rows import write_between

NATIVE = Path(__file__).parents[1]
COMPILER = "aarch64-linux-gnu-g++"
FLAGS = "-std=c++17 -O3 -fno-exceptions -fno-rtti -fno-math-errno -fPIC".split()
WHEEL = "larq-compute-engine==0.16.0"
LIBRARY = "larq_compute_engine/tflite/python/interpreter_wrapper_lite.so"
CORES = ("cortex-a55", "neoverse-n1")
COMPILERS = {
    "gcc": (COMPILER,),
    # The wheel's: clang, by zig.
    "clang": (sys.executable, "-m", "ziglang", "c++", "-target", "aarch64-linux-gnu.2.28"),
}
KERNELS = NATIVE / "kernels"
OUTPUT = Path(__file__).with_name("arm_output.cc")
LITERT = "ai-edge-litert==2.3.0"
GEMMS = ("6x8__asm_aarch64_neonfma_cortex_a55", "6x8__asm_aarch64_neonfma_cortex_a75_prfm")
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
    with zipfile.ZipFile(next(folder.glob("larq*.whl"))) as wheel:
        return Path(wheel.extract(LIBRARY, folder))


def compiled(folder: Path, name: str, command: tuple[str, ...], source: Path) -> Path:
    """One source by one compiler."""
    to = folder / f"{name}-{source.stem}.o"
    run(*command, *FLAGS, f"-I{NATIVE}", "-c", str(source), "-o", str(to))
    return to


def litert(folder: Path) -> Path:
    """LiteRT for Linux on aarch64, which has XNNPACK and its symbols."""
    run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)),
        *("--platform", "manylinux_2_27_aarch64", "--python-version", "3.11"),
        *("--only-binary=:all:", LITERT),
    )
    with zipfile.ZipFile(next(folder.glob("ai_edge_litert*.whl"))) as wheel:
        return Path(wheel.extract("ai_edge_litert/libpywrap_litert_common.so", folder))


def short(function: str, width: int = 52) -> str:
    """A function's name without namespaces and arguments."""
    name = re.sub(r"\(anonymous namespace\)::|xncaps::|void ", "", function)
    return name.split("(")[0][-width:]


def table(binary: Path, title: str, apple: bool) -> None:
    """Prints the loops of a file."""
    sys.stdout.write(
        f"\n{title}\n{'loop in':52} {'products':>8} {'instr.':>6} {'loads':>5} {'stores':>6}"
        f" {'instr./1024':>11} {'A55 cyc./1024':>13} {'N1 cyc./1024':>13}\n"
    )
    seen: set[tuple[str, ...]] = set()
    for loop in loops(binary):
        name = "(no symbols)" if apple else short(loop.function)
        shape = (name, *(i.mnemonic for i in loop.body))
        if shape in seen:
            continue
        seen.add(shape)
        scale = 1024 / loop.products
        a55, n1 = (cycles(loop, core, apple) * scale for core in CORES)
        sys.stdout.write(
            f"{name:52} {loop.products:8} {len(loop.body):6} {loop.count('ld'):5}"
            f" {loop.count('st'):6} {len(loop.body) * scale:11.1f} {a55:13.1f} {n1:13.1f}\n"
        )


@dataclass(frozen=True)
class Row:
    """A line of the table: instructions and cycles of each of CORES, for 1,024 products."""

    name: str
    instructions: float
    cycles: tuple[float, ...]

    @property
    def line(self) -> str:
        numbers = " | ".join(f"{value:.1f}" for value in (self.instructions, *self.cycles))
        return f"| {self.name} | {numbers} |"


def row(name: str, code: tuple[Instruction, ...], products: int, apple: bool) -> Row:
    scale = 1024 / products
    loop = Loop(name, code)
    times = tuple(cycles(loop, core, apple) * scale for core in CORES)
    return Row(name, len(code) * scale, times)


def best_loop(name: str, binary: Path, apple: bool, function: str = "") -> Row:
    """The loop with the fewest instructions; `function`: a part of its name."""
    found = [
        row(name, loop.body, loop.products, apple)
        for loop in loops(binary)
        if function in short(loop.function)
    ]
    if not found:
        sys.exit(f"arm_count: expected a loop of {function} in {binary.name}. Received: none.")
    return min(found, key=lambda each: each.instructions)


def outputs(compiler: str, binary: Path) -> Iterator[Row]:
    """What a block of 16 channels costs when it leaves, in a 3x3 convolution of 64 channels."""
    products = 16 * 9 * 64
    for name, code in functions(binary):
        if name.startswith("xncaps_output_"):
            title = (
                f"ours, {name.removeprefix('xncaps_output_')} output, {compiler}: added by 3x3x64"
            )
            yield row(title, tuple(code), products, apple=False)


def gemm_row(library: Path, name: str) -> Row:
    """The inner loop of one of XNNPACK's float kernels; a product is a multiply-add here."""
    out = run("llvm-objdump-19", "-d", "--no-show-raw-insn", f"--disassemble-symbols={name}",
              str(library))  # fmt: skip
    code = [
        Instruction(int(found[1], 16), found[2], found[3])
        for line in out.splitlines()
        if (found := _LINE.match(line))
    ]
    addresses = [i.address for i in code]
    bodies = [
        tuple(code[bisect_left(addresses, i.target) : k + 1])
        for k, i in enumerate(code)
        if i.target is not None and addresses[0] <= i.target < i.address
    ]
    inner = max(bodies, key=lambda body: sum(i.mnemonic == "fmla" for i in body) / len(body))
    fused = sum(i.mnemonic == "fmla" for i in inner)
    return row(
        f"XNNPACK, float: {name.removeprefix('xnn_f32_gemm_minmax_')}", inner, 4 * fused, False
    )


def markdown(rows: list[Row]) -> str:
    heads = "| loop | instructions | Cortex-A55 cycles | Neoverse N1 cycles |"
    return "\n".join([heads, "| --- | --- | --- | --- |", *(each.line for each in rows)]) + "\n"


def summary(folder: Path, library: Path | None) -> list[Row]:
    """The lines of the table."""
    theirs_at = library or theirs(folder)
    rows = []
    for name, command in COMPILERS.items():
        lce, output = (
            compiled(folder, name, command, source) for source in (KERNELS / "lce_neon.cc", OUTPUT)
        )
        rows.append(best_loop(f"LceBconv2d, ours, {name}", lce, False, "CountBlocks<"))
        rows += outputs(name, output)
    rows.append(best_loop("LceBconv2d, LCE's best (float and int8: assembly)", theirs_at, True))
    compiled_loops = [
        row("LceBconv2d, LCE, bits output (a compiled loop)", loop.body, loop.products, True)
        for loop in loops(theirs_at)
        if loop.products == 512
    ]
    rows.append(min(compiled_loops, key=lambda each: each.cycles[-1]))
    # clang inlines it, so that its loop cannot be told from others.
    caps = compiled(folder, "gcc", COMPILERS["gcc"], KERNELS / "caps_neon.cc")
    title = "XnODR's projection with scales and the first sum, ours, gcc"
    rows.append(best_loop(title, caps, False, "ProjectOdrBlock<false, 1>"))
    xnnpack = litert(folder)
    rows += [gemm_row(xnnpack, f"xnn_f32_gemm_minmax_ukernel_{name}") for name in GEMMS]
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", type=Path, help="LCE's interpreter, where it is unpacked")
    parser.add_argument("--loops", action="store_true", help="every loop, not the table")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="puts the table into the page")
    args = parser.parse_args()
    require_tools()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.loops:
            for binary in ours(folder):
                table(binary, f"xncaps, {binary.stem}", apple=False)
            table(args.library or theirs(folder), f"{WHEEL}, macOS", apple=True)
            return 0
        text = markdown(summary(folder, args.library))
    sys.stdout.write(text)
    if args.write is not None:
        write_between(args.write, "arm-count", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

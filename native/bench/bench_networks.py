"""Whole binary networks of larq-zoo with random weights, as LCE converts them, in LiteRT.

For each instruction set: with the built-in ops done along with ours, and with these left to the
host (`keep_builtins`); medians in one process, in turns; one thread, batch 1. Then where the time
goes: the operators of one kind alone, as a file of their own. What is not in one of these parts is
what they save or cost one another. Needs `pip install --no-deps larq-zoo==2.4.0`.

    python native/bench/bench_networks.py --models FOLDER --json native/bench/networks.json
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from ai_edge_litert import schema_py_generated
from ai_edge_litert.interpreter import Interpreter as Stock
from bench_lce import Call, litert, median, quicknet
from rows import write_between

from xncaps_runtime import info, load_delegate

schema: Any = schema_py_generated
OPS = {value: name for name, value in vars(schema.BuiltinOperator).items()}
ZOO = {
    "sota": ("QuickNetSmall", "QuickNet", "QuickNetLarge"),
    "literature": (
        "BinaryAlexNet", "BiRealNet", "BinaryResNetE18", "RealToBinaryNet", "XNORNet",
        "BinaryDenseNet28", "BinaryDenseNet37", "BinaryDenseNet45", "MeliusNet22", "DoReFaNet",
    ),
}  # fmt: skip
OWN = "quicknet_medium"  # of this project, at 224x224
NAMES = (OWN, *(name for names in ZOO.values() for name in names))
ELEMENTWISE = {"ADD", "MUL", "MINIMUM", "MAXIMUM", "RELU", "RELU_N1_TO_1", "RELU6"}
PARTS = {
    "binary": lambda name: name.startswith("Lce") or name in ELEMENTWISE,
    "float_convolutions": lambda name: name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"),
    "concatenations": lambda name: name in ("CONCATENATION", "PAD", "SPLIT"),
}
TURNS, TURN_SECONDS = 25, 0.03


def convert(name: str) -> bytes:
    """The network of that name with weights from seed 1."""
    if name == OWN:
        return quicknet(OWN, (224, 224, 3))
    try:
        zoo: Any = importlib.import_module("larq_zoo")
    except ModuleNotFoundError as error:
        raise SystemExit("bench_networks: pip install --no-deps larq-zoo==2.4.0") from error
    import larq_compute_engine as lce
    import tf_keras

    tf_keras.backend.clear_session()
    tf_keras.utils.set_random_seed(1)
    [family] = [family for family, names in ZOO.items() if name in names]
    return lce.convert_keras_model(getattr(getattr(zoo, family), name)(weights=None))


def op_name(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode is not None:
        return code.customCode.decode()
    return OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def part(file: bytes, wanted: Any) -> bytes | None:
    """The operators of the wanted names alone; what they read of others is fed."""
    import flatbuffers

    model = schema.ModelT.InitFromPackedBuf(file, 0)
    [graph] = model.subgraphs
    kept = [op for op in graph.operators if wanted(op_name(model, op))]
    others = [op for op in graph.operators if op not in kept]
    made = {tensor for op in kept for tensor in op.outputs}
    read_outside = {tensor for op in others for tensor in op.inputs} | set(graph.outputs)
    read_inside = {tensor for op in kept for tensor in op.inputs}
    constant = {
        i for i, tensor in enumerate(graph.tensors)
        if model.buffers[tensor.buffer].data is not None
    }  # fmt: skip
    graph.operators = kept
    graph.inputs = sorted(t for t in read_inside - made - constant if t >= 0)
    graph.outputs = sorted(made & read_outside | made - read_inside)
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(file))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()) if kept else None


def run(file: bytes, isa: str | None, *, keep_builtins: bool = False) -> Call:
    """invoke() with inputs of zeros, or of pixels where there is one."""
    delegate = load_delegate(isa=isa, keep_builtins=keep_builtins)
    interpreter = Stock(model_content=file, num_threads=1, experimental_delegates=[delegate])
    if len(interpreter.get_input_details()) == 1:
        return litert(interpreter)
    interpreter.allocate_tensors()
    return interpreter.invoke


def measure(file: bytes, isas: list[str], turns: int) -> dict[str, float]:
    """Milliseconds: of each instruction set fused and unfused; of the parts, on the best one."""
    calls: dict[str, Call] = {}
    for isa in isas:
        calls[f"{isa}"] = run(file, isa)
        calls[f"{isa}_unfused"] = run(file, isa, keep_builtins=True)
    for name, wanted in PARTS.items():
        alone = part(file, wanted)
        if alone is not None:
            calls[name] = run(alone, isas[0])
    times = median(list(calls.values()), turns, TURN_SECONDS)
    return {name: round(us / 1e3, 3) for name, us in zip(calls, times, strict=True)}


def table(rows: dict[str, dict[str, float]], isas: list[str]) -> Iterator[str]:
    """Lines of the page's table."""
    times = [f"{isa}: ms, unfused" for isa in isas]
    head = ["network", *times, "binary layers", "float convolutions", "concatenation, padding"]
    yield "| " + " | ".join(head) + " |"
    yield "| " + " | ".join("---" for _ in head) + " |"
    for name, row in rows.items():
        cells = [name]
        for isa in isas:
            fused, unfused = row[isa], row[f"{isa}_unfused"]
            cells.append(f"{fused:.2f}, {unfused:.2f} ({unfused / fused:.2f} times)")
        for kind in PARTS:
            share = row.get(kind, 0.0)
            cells.append(f"{share:.2f} ({100 * share / row[isas[0]]:.0f} %)")
        yield "| " + " | ".join(cells) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, required=True, help="converted files, made if not")
    parser.add_argument("--only", nargs="*", default=NAMES, choices=NAMES)
    parser.add_argument("--isas", nargs="*", help="best first; the machine's best, avx2")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--json", type=Path, help="rows to add to or replace in this file")
    parser.add_argument("--write", type=Path, help="page whose table is made of that file")
    parser.add_argument("--convert-only", action="store_true")
    args = parser.parse_args()
    args.models.mkdir(parents=True, exist_ok=True)
    best = str(info()["isa"])
    isas = args.isas or list(dict.fromkeys([best, "avx2"]))
    rows: dict[str, dict[str, float]] = {}
    if args.json is not None and args.json.exists():
        rows = json.loads(args.json.read_text(encoding="utf-8"))
    for name in args.only:
        place = args.models / f"{name}.tflite"
        if not place.exists():
            try:
                place.write_bytes(convert(name))
            except ValueError as error:  # DoReFaNet: LCE's converter does not take it
                sys.stdout.write(f"{name}: not converted: {error}\n")
                continue
        if args.convert_only:
            continue
        rows[name] = measure(place.read_bytes(), isas, args.turns)
        sys.stdout.write(f"{name}: {json.dumps(rows[name])}\n")
        sys.stdout.flush()
    if args.json is not None:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if args.write is not None:
        lines = table({n: rows[n] for n in NAMES if n in rows}, isas)
        write_between(args.write, "networks", "\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What is in a TFLite file: its ops, their shapes, the bytes of their constants."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

from xncaps_converters import interpreters
from xncaps_converters.bounds import CHANGES
from xncaps_files import metadata, tflite
from xncaps_files.metadata import Metadata
from xncaps_files.tflite import Op, Subgraph, TfliteFile


@dataclass(frozen=True)
class OpRow:
    """An op of a file.

    Attributes:
        subgraph: its number; 0 is the one that is run.
        op: its name.
        is_stock: whether a stock interpreter has it.
        inputs, outputs: shapes of the tensors that are computed, -1 where open.
        constants: shapes and types of its constants.
        constant_bytes: what they take in the file; shared ones count where they are used first.
    """

    subgraph: int
    op: str
    is_stock: bool
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    constants: tuple[str, ...]
    constant_bytes: int


@dataclass(frozen=True)
class Inspection:
    """A file.

    Attributes:
        size: in bytes.
        made_by: the converter's own words.
        rows: its ops in the order they run.
        custom_ops: the ops that a stock interpreter lacks.
        runtimes: names of the runtimes that have all of its ops.
        metadata: what it says of itself, or None.
    """

    size: int
    made_by: str
    rows: tuple[OpRow, ...]
    custom_ops: tuple[str, ...]
    runtimes: tuple[str, ...]
    metadata: Metadata | None

    @property
    def constant_bytes(self) -> int:
        return sum(row.constant_bytes for row in self.rows)

    @property
    def passes(self) -> tuple[str, ...]:
        """The exact rewrites that were made before the conversion."""
        return self.metadata.passes if self.metadata else ()

    @property
    def notes(self) -> tuple[str, ...]:
        return self.metadata.notes if self.metadata else ()

    def totals(self) -> dict[str, tuple[int, int]]:
        """Of each kind of op, (how many, bytes of constants), the most bytes first."""
        found: dict[str, tuple[int, int]] = {}
        for row in self.rows:
            count, size = found.get(row.op, (0, 0))
            found[row.op] = (count + 1, size + row.constant_bytes)
        return dict(sorted(found.items(), key=lambda item: (-item[1][1], item[0])))

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "size": self.size,
            "made_by": self.made_by,
            "constant_bytes": self.constant_bytes,
            "custom_ops": list(self.custom_ops),
            "runtimes": list(self.runtimes),
            "passes": list(self.passes),
            "totals": {
                name: {"count": count, "constant_bytes": size}
                for name, (count, size) in self.totals().items()
            },
            "ops": [asdict(row) for row in self.rows],
            "metadata": self.metadata.to_dict() if self.metadata else None,
        }

    def lines(self) -> list[str]:
        """For a person: a table of at most 80 columns, totals, what is lacking, metadata."""
        lines = [f"{'op':<20} {'in':>17} {'out':>17} {'constants':>12}  bytes"]
        lines += [_row_line(row) for row in self.rows]
        lines += ["", f"{'op':<20} {'count':>7} {'bytes':>12}"]
        totals = self.totals()
        lines += [f"{name:<20} {n:>7} {size:>12,}" for name, (n, size) in totals.items()]
        count = len(self.rows)
        lines += [f"{'all':<20} {count:>7} {self.constant_bytes:>12,}"]
        lines += ["", f"file {self.size:,} bytes, of which constants {self.constant_bytes:,}"]
        lacking = ", ".join(self.custom_ops)
        lines.append(f"a stock interpreter lacks: {lacking or 'nothing'}")
        lines.append(f"runs in: {', '.join(self.runtimes) or 'no runtime known here'}")
        return lines + self._metadata_lines()

    def _metadata_lines(self) -> list[str]:
        if self.metadata is None:
            return ["no metadata"]
        names = ", ".join(self.metadata.class_names) or "not known"
        lines = [f"model: {self.metadata.name}", f"classes: {names}"]
        if made_by := self.metadata.object("versions"):
            versions = ", ".join(f"{name} {made_by[name]}" for name in sorted(made_by))
            lines.append(f"made by: {versions}")
        lines.append(f"passes: {'; '.join(self.passes) or 'none'}")
        changed = [CHANGES[word].words for word in self.metadata.changes if word in CHANGES]
        return lines + [f"changed: {words}" for words in changed] + list(self.notes)


def inspect(flatbuffer: bytes, what: str = "the file") -> Inspection:
    """Reads a TFLite file; nothing of it is executed. `what` names it in errors.

    Raises:
        DataError: the file is damaged.
    """
    file = tflite.parse(flatbuffer, what)
    needed = set(file.custom_ops)
    return Inspection(
        size=file.size,
        made_by=file.description,
        rows=_rows(file),
        custom_ops=tuple(file.custom_ops),
        runtimes=tuple(r.name for r in interpreters.RUNTIMES if needed <= r.ops),
        metadata=metadata.read(file, what),
    )


def inspect_file(path: str | os.PathLike[str]) -> Inspection:
    """`inspect` of a file on the disk."""
    return inspect(tflite.load(path), str(path))


def _rows(file: TfliteFile) -> tuple[OpRow, ...]:
    seen: set[int] = set()
    return tuple(
        _row(number, graph, op, seen)
        for number, graph in enumerate(file.subgraphs)
        for op in graph.ops
    )


def _row(number: int, graph: Subgraph, op: Op, seen: set[int]) -> OpRow:
    size = 0
    constants: list[str] = []
    inputs: list[tuple[int, ...]] = []
    for index in op.inputs:
        if index < 0:
            continue
        tensor = graph.tensors[index]
        if tensor.data is None:
            inputs.append(tensor.signature)
            continue
        shape = "x".join(map(str, tensor.shape)) or "scalar"
        constants.append(f"{tensor.type.lower()}[{shape}]")
        if tensor.buffer not in seen:
            seen.add(tensor.buffer)
            size += int(tensor.data.size)
    outputs = tuple(graph.tensors[index].signature for index in op.outputs if index >= 0)
    return OpRow(number, op.name, not op.is_custom, tuple(inputs), outputs, tuple(constants), size)


def _shape(shapes: tuple[tuple[int, ...], ...]) -> str:
    return "x".join(map(str, shapes[0])) + ("+" if len(shapes) > 1 else "") if shapes else "-"


def _row_line(row: OpRow) -> str:
    largest = max(row.constants, key=len, default="")
    name = row.op + ("" if row.is_stock else " *")
    shape = largest[largest.find("[") + 1 : -1]
    return (
        f"{name:<20} {_shape(row.inputs):>17} {_shape(row.outputs):>17} "
        f"{shape:>12}  {row.constant_bytes:,}"
    )

"""The stored check of a file that was verified: which rows, and how far from them is right."""

from __future__ import annotations

import numpy as np

from xncaps_converters.samples import Samples
from xncaps_converters.verify import VerifyResult
from xncaps_files.expected import MAX_ROWS, Expected, choose_rows


def from_result(
    result: VerifyResult,
    samples: Samples,
    class_names: tuple[str, ...] | None,
    model_sha256: str,
    *,
    rows: int = MAX_ROWS,
) -> Expected:
    """What is stored of a verification: at most `rows` of its samples, of different classes.

    Where signs may flip, at most the bounds' share may exceed the tolerance; with so few rows that
    is too few to be sure, so two rows more than do so here may.
    """
    labels = samples.labels
    if labels is None or labels.ndim != 1:
        labels = np.full(len(samples), -1)
    row_bytes = int(np.prod(samples.inputs.shape[1:])) * (1 if samples.holds_pixels else 4)
    row_bytes += 4 * result.expected[0].size
    chosen = choose_rows(labels, row_bytes, most=rows)
    over = int((~(result.errors[chosen] <= result.bounds.tolerance)).sum())
    share = max(result.bounds.share, (over + 2) / len(chosen)) if result.bounds.share else 0.0
    return Expected(
        inputs=samples.inputs[chosen].astype(np.float32),
        outputs=result.expected[chosen].astype(np.float32),
        labels=labels[chosen].astype(np.int64),
        class_names=tuple(class_names or ()),
        tolerance=float(np.float32(result.bounds.tolerance)),
        tolerated_share=float(np.float32(min(share, 1.0))),
        source=samples.source,
        model_sha256=model_sha256,
    )

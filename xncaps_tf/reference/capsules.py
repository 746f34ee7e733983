"""The capsule layers, an element at a time.

Axes: B batch, N input capsules, D input pose, J output capsules, E output pose.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def sign(x: float) -> float:
    """+1 for a positive number, -1 for any other (so -1 for zero)."""
    return 1.0 if x > 0 else -1.0


def squash(s: NDArray[Any]) -> NDArray[Any]:
    """|s|^2 / (1 + |s|^2) * s / |s| of one vector [E]; zero for the zero vector."""
    norm = length(s)
    if norm == 0.0:
        return np.zeros(len(s))
    return np.array([norm * norm / (1.0 + norm * norm) * x / norm for x in s])


def length(x: NDArray[Any]) -> float:
    """Euclidean norm of one vector [E]."""
    return math.sqrt(sum(float(value) ** 2 for value in x))


def caps_fc(u: NDArray[Any], kernel: NDArray[Any], routing_iterations: int = 3) -> NDArray[Any]:
    """Float dynamic routing. u [B, N, D], kernel [N, J, D, E] -> [B, J, E]."""
    return np.array([_route(_predict(x, kernel), routing_iterations, _dot) for x in u])


def xnodr(
    u: NDArray[Any],
    kernel: NDArray[Any],
    routing_iterations: int = 3,
    quantize_input: bool = True,
    quantize_kernel: bool = True,
    scales: str = "channel",
) -> NDArray[Any]:
    """Binarised outside the routing. u [B, N, D], kernel [N, J, D, E] -> [B, J, E].

    `scales`: a binary kernel's magnitude is its mean over D ('channel'), over D and E ('capsule')
    or over all of it ('none').
    """
    if quantize_kernel and scales != "channel":
        kernel, quantize_kernel = _scaled_signs(kernel, scales), False
    poses: list[NDArray[Any]] = []
    for x in u:
        u_hat = _predict(x, kernel, quantize_input, quantize_kernel)
        poses.append(_route(u_hat, routing_iterations, _dot))
    return np.array(poses)


def xnidr(
    u: NDArray[Any],
    kernel: NDArray[Any],
    routing_iterations: int = 3,
    quantize_prediction: bool = True,
    quantize_pose: bool = True,
) -> NDArray[Any]:
    """Binarised inside the routing. u [B, N, D], kernel [N, J, D, E] -> [B, J, E]."""

    def agreement(u_hat: NDArray[Any], v: NDArray[Any]) -> float:
        return _one_bit_dot(u_hat, v, quantize_prediction, quantize_pose)

    return np.array([_route(_predict(x, kernel), routing_iterations, agreement) for x in u])


def capsule_reshape(x: NDArray[Any], capsule_dim: int) -> NDArray[Any]:
    """Cuts features [B, ...] into capsules and squashes each: [B, N, D]."""
    examples: list[list[NDArray[Any]]] = []
    for example in np.asarray(x, np.float64):
        flat = example.reshape(-1)
        starts = range(0, len(flat), capsule_dim)
        examples.append([squash(flat[start : start + capsule_dim]) for start in starts])
    return np.array(examples)


def _scaled_signs(kernel: NDArray[Any], scales: str) -> NDArray[Any]:
    """Signs of a kernel [N, J, D, E] times one magnitude a pair of capsules, or one in all."""
    result = np.zeros(kernel.shape)
    n, j, d, e = kernel.shape
    for i in range(n):
        for k in range(j):
            of_pair = [abs(float(kernel[i, k, a, b])) for a in range(d) for b in range(e)]
            of_all = [abs(float(x)) for x in kernel.flat] if scales == "none" else of_pair
            scale = sum(of_all) / len(of_all)
            for a in range(d):
                for b in range(e):
                    result[i, k, a, b] = sign(kernel[i, k, a, b]) * scale
    return result


def keep_highest(capsules: NDArray[Any], scores: NDArray[Any]) -> NDArray[Any]:
    """All capsules but that of the highest score set to zero. [B, J, E], [B, J] -> [B, J, E]."""
    kept = np.zeros(capsules.shape)
    for b, row in enumerate(scores):
        winner = max(range(len(row)), key=lambda j, row=row: row[j])
        kept[b, winner] = capsules[b, winner]
    return kept


def _predict(
    u: NDArray[Any],
    kernel: NDArray[Any],
    quantize_input: bool = False,
    quantize_kernel: bool = False,
) -> NDArray[Any]:
    """u_hat [N, J, E] of one example u [N, D]."""
    n, j, _, e = kernel.shape
    u_hat = np.zeros((n, j, e))
    for i in range(n):
        for k in range(j):
            for m in range(e):
                u_hat[i, k, m] = _one_bit_dot(
                    u[i], kernel[i, k, :, m], quantize_input, quantize_kernel
                )
    return u_hat


def _one_bit_dot(a: NDArray[Any], b: NDArray[Any], quantize_a: bool, quantize_b: bool) -> float:
    """Dot product of two vectors, or of their signs times their mean magnitudes."""
    scale, total = 1.0, 0.0
    if quantize_a:
        scale *= sum(abs(float(x)) for x in a) / len(a)
    if quantize_b:
        scale *= sum(abs(float(x)) for x in b) / len(b)
    for x, y in zip(a, b, strict=True):
        total += (sign(x) if quantize_a else float(x)) * (sign(y) if quantize_b else float(y))
    return total * scale


def _dot(a: NDArray[Any], b: NDArray[Any]) -> float:
    return _one_bit_dot(a, b, False, False)


def _route(
    u_hat: NDArray[Any], iterations: int, agreement: Callable[[NDArray[Any], NDArray[Any]], float]
) -> NDArray[Any]:
    """Poses [J, E] of one example's predictions [N, J, E]."""
    n, j, e = u_hat.shape
    logits = np.zeros((n, j))
    v = np.zeros((j, e))
    for turn in range(iterations):
        s = np.zeros((j, e))
        for i in range(n):
            top = max(logits[i])
            exps = [math.exp(x - top) for x in logits[i]]
            for k in range(j):
                s[k] += exps[k] / sum(exps) * u_hat[i, k]
        v = np.array([squash(x) for x in s])
        if turn < iterations - 1:
            for i in range(n):
                for k in range(j):
                    logits[i, k] += agreement(u_hat[i, k], v[k])
    return v

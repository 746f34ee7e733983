"""Bits and scales of capsule kernels, as the fused ops read them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xncaps_converters import packing
from xncaps_converters.output_formats import SCALE_TYPES


def _kernel(seed: int, n: int, j: int, d: int, e: int) -> np.ndarray:
    kernel = np.random.default_rng(seed).normal(size=(n, j, d, e)).astype(np.float32)
    kernel.flat[:: max(kernel.size // 5, 1)] = 0.0  # zeros count as -1
    return kernel


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 19), st.integers(1, 5)),
)
def test_bits_hold_the_signs(seed: int, sizes: tuple[int, int, int, int]) -> None:
    kernel = _kernel(seed, *sizes)
    bits = packing.pack_bits(kernel)
    n, j, d, e = sizes
    assert bits.dtype == np.uint8 and bits.shape == (n, j, e, -(-d // 8))
    signs = packing.unpack_bits(bits, d)
    np.testing.assert_array_equal(signs, np.where(kernel > 0, 1.0, -1.0))


def test_bit_order_is_little_endian_and_the_rest_is_zero() -> None:
    kernel = -np.ones((1, 1, 11, 1), np.float32)
    kernel[0, 0, [0, 9], 0] = 1.0
    assert packing.pack_bits(kernel).ravel().tolist() == [0b1, 0b10]


@pytest.mark.parametrize(
    ("scales", "shape"), [("channel", (3, 2, 4)), ("capsule", (3, 2))], ids=str
)
@pytest.mark.parametrize("scale_type", SCALE_TYPES)
def test_scales_are_mean_magnitudes(scales: str, shape: tuple[int, ...], scale_type: str) -> None:
    kernel = _kernel(1, 3, 2, 8, 4)
    scale = packing.scale_of(kernel, scales, scale_type)
    assert scale is not None and scale.shape == shape and scale.dtype == scale_type
    expected = np.abs(kernel).mean(axis=2)
    expected = expected if scales == "channel" else expected.mean(axis=2)
    # float32: the mean of 8 (or 32) values rounds once a step; float16 keeps 11 bits.
    tolerance = 1e-6 if scale_type == "float32" else 2**-11
    np.testing.assert_allclose(scale.astype(np.float64), expected, rtol=tolerance)


def test_no_scales_is_one_number_for_the_layer() -> None:
    kernel = _kernel(2, 3, 2, 8, 4)
    assert packing.scale_of(kernel, "none", "float32") is None
    assert packing.global_scale(kernel) == pytest.approx(np.abs(kernel).mean(), rel=1e-6)

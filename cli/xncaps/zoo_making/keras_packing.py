"""A Keras model in fewer bytes: the same configs and weights, packed by HDF5's own filters."""

from __future__ import annotations

import io
import zipfile
from typing import Any

_WEIGHTS = "model.weights.h5"
_SMALLEST = 256  # bytes of a weight below which HDF5's own tables outweigh what packing saves


def pack(model: bytes) -> bytes:
    """A .keras file with the same parts, each weight equal bit for bit.

    The weights' bytes are sorted by their place in the number (HDF5's shuffle filter) before they
    are deflated: signs and exponents are alike, and deflate alone does not see it. Keras reads such
    files as any other.

    Args:
        model: a .keras file.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(model)) as given, zipfile.ZipFile(stream, "w") as made:
        for name in given.namelist():
            data = given.read(name)
            is_weights = name == _WEIGHTS
            made.writestr(
                zipfile.ZipInfo(name),  # its date is a constant
                _packed_weights(data) if is_weights else data,
                zipfile.ZIP_STORED if is_weights else zipfile.ZIP_DEFLATED,
            )
    return stream.getvalue()


def _packed_weights(data: bytes) -> bytes:
    import h5py

    stream = io.BytesIO()
    with (
        h5py.File(io.BytesIO(data), "r") as given,
        h5py.File(stream, "w", libver="latest") as made,  # no tree for a weight of one chunk
    ):

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                value = item[()]
                packed: dict[str, Any] = {}
                if value.nbytes >= _SMALLEST:
                    packed = {"chunks": value.shape, "shuffle": True, "compression": "gzip"}
                    packed["compression_opts"] = 9
                target = made.create_dataset(name, data=value, **packed)
            else:
                target = made.require_group(name)
            target.attrs.update(item.attrs)

        made.attrs.update(given.attrs)
        given.visititems(copy)
    return stream.getvalue()

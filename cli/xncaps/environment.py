"""What this machine and its installation are: for `xncaps info`, run configs and bug reports."""

from __future__ import annotations

import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version

from xncaps import variables

_PACKAGES = (
    "xncaps-tf",
    "xncaps-benchmark",
    "xncaps-files",
    "xncaps-runtime",
    "xncaps-zoo",
    "tensorflow",
    "tf-keras",
    "larq",
    "larq-compute-engine",
    "ai-edge-litert",
    "numpy",
)
# A runtime's name, as `bench` and `verify` say it -> the modules that make it.
_RUNTIMES = {
    "litert": ("ai_edge_litert",),
    "litert+xncaps": ("ai_edge_litert", "xncaps_runtime"),
    "litert-compiled": ("ai_edge_litert.compiled_model", "xncaps_runtime"),
    "lce": ("larq_compute_engine",),
}


def versions() -> dict[str, str]:
    """Version of each package the toolkit works with; 'not installed' where there is none."""
    return {name: _version(name) for name in _PACKAGES}


def describe() -> dict[str, dict[str, str]]:
    """Versions, machine, devices and runtimes. Imports TensorFlow to ask it for its devices."""
    return {
        "versions": {"python": platform.python_version(), **versions()},
        "machine": {
            "platform": platform.platform(),
            "architecture": platform.machine(),
            "cores": str(os.cpu_count()),
        },
        "devices": _devices(),
        "runtimes": {
            name: "found" if all(map(_importable, modules)) else _missing(modules)
            for name, modules in _RUNTIMES.items()
        },
        "environment variables": variables.settings(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _missing(modules: tuple[str, ...]) -> str:
    return "not found: " + ", ".join(module for module in modules if not _importable(module))


def _devices() -> dict[str, str]:
    from xncaps_tf._keras import tf

    return {
        device.name.removeprefix("/physical_device:"): device.device_type
        for device in tf.config.list_physical_devices()
    }

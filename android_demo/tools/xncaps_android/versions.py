"""What android_demo/versions.properties says."""

from __future__ import annotations

from xncaps_android.folders import ANDROID


def versions() -> dict[str, str]:
    """versions.properties as a dictionary."""
    lines = (ANDROID / "versions.properties").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def abis() -> list[str]:
    return versions()["abis"].split()

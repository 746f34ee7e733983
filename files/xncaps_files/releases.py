"""The distributions of one release, which work with each other and with those of no other.

Each names the same version of what it requires. pip installs another one over it with no more than
a warning, and what is optional (the runtime beside the toolkit) it does not look at.
"""

from __future__ import annotations

import types
from importlib.metadata import PackageNotFoundError, version

from xncaps_files.errors import XncapsError

# A distribution -> those of ours that it uses where they are installed.
USES = {
    "xncaps-tf": ("xncaps-files", "xncaps-benchmark", "xncaps-zoo", "xncaps-runtime"),
    "xncaps-benchmark": ("xncaps-files", "xncaps-zoo", "xncaps-runtime"),
    "xncaps-runtime": ("xncaps-files", "xncaps-zoo"),
}
_OF_TF = ("xncaps", "xncaps_tf", "xncaps_converters")  # modules of one distribution
_OURS = (*_OF_TF, "xncaps_files", "xncaps_benchmark", "xncaps_zoo", "xncaps_runtime")


def check(distribution: str) -> None:
    """Refuses what is installed beside `distribution` and is of another release.

    Args:
        distribution: a key of `USES`; one that runs from a source tree is of no release.

    Raises:
        XncapsError: another one has another version.
    """
    wanted = _version(distribution)
    others = {name: _version(name) for name in USES[distribution]}
    odd = {name: found for name, found in others.items() if found and found != wanted}
    if wanted and odd:
        found = ", ".join(f"{name} {version}" for name, version in odd.items())
        mended = " ".join(f"{name}=={wanted}" for name in odd)
        raise XncapsError(
            f"{distribution}: expected all of xncaps to be of one release, {wanted} as "
            f"{distribution}. Received: {found}; pip install {mended}, in a checkout "
            "make setup"
        )


def is_other(distribution: str, version: str) -> bool:
    """Whether a distribution is installed in another version than this one."""
    return _version(distribution) not in (None, version)


def explain(error: Exception) -> str | None:
    """What an error means that comes of a distribution which is missing or of another state.

    Two states between releases have one version, and their difference shows when a name is not
    found.

    Returns:
        A line for a person, or None for any other error.
    """
    module = _module_of(error)
    if module is None or module.partition(".")[0] not in _OURS:
        return None
    root = module.partition(".")[0]
    name = "xncaps-tf" if root in _OF_TF else root.replace("_", "-")
    found = _version(name)
    if isinstance(error, ModuleNotFoundError) and module == root and found is None:
        return f"expected {name} for this. Received: none; pip install {name}"
    return (
        f"expected all of xncaps to be of one state. Received: {name} {found or ''}".rstrip()
        + f" that lacks something ({error}); install its distributions together anew, in a "
        "checkout by make setup."
    )


def _module_of(error: Exception) -> str | None:
    """The module that an error says something of."""
    if isinstance(error, ImportError):
        return error.name
    if isinstance(error, AttributeError) and isinstance(error.obj, types.ModuleType):
        return error.obj.__name__
    return None


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None

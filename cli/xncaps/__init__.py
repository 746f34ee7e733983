"""The command `xncaps` and what it does in one call each; it may import every other package.

Nothing imports this package but people's own programs, so data goes one way through the house.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xncaps_files.lazy import attach
from xncaps_tf import __version__ as __version__

if TYPE_CHECKING:
    from xncaps.api import convert as convert

__getattr__ = attach(__name__, {"convert": "api"})

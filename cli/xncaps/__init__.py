"""The command `xncaps` and what it does in one call each; it may import every other package.

Nothing imports this package but people's own programs, so data goes one way through the house.
"""

from __future__ import annotations

from xncaps_tf import __version__ as __version__

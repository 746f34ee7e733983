"""`python -m xncaps_benchmark FILE...`: measures on a board that has no `xncaps` command."""

from __future__ import annotations

from xncaps_benchmark.cli import main

if __name__ == "__main__":
    main()

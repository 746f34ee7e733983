"""`python -m xncaps`: the command line."""

from __future__ import annotations

from xncaps.main import main

if __name__ == "__main__":
    main()

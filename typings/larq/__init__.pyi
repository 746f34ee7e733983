from typing import Any

from larq import quantizers as quantizers

def __getattr__(name: str) -> Any: ...

from typing import Any

from tensorflow_datasets import core as core

def __getattr__(name: str) -> Any: ...

from typing import Any

from tf_keras.layers import Layer

class Quantizer(Layer): ...

def __getattr__(name: str) -> Any: ...

from typing import Any

from tf_keras.optimizers import legacy as legacy
from tf_keras.optimizers import schedules as schedules

class Optimizer:
    iterations: Any
    learning_rate: Any
    weight_decay: Any
    variables: Any
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str) -> Any: ...

class Adam(Optimizer): ...
class SGD(Optimizer): ...

def __getattr__(name: str) -> Any: ...

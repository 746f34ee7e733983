from typing import Any

from tf_keras import (
    activations as activations,
)
from tf_keras import (
    applications as applications,
)
from tf_keras import (
    backend as backend,
)
from tf_keras import (
    callbacks as callbacks,
)
from tf_keras import (
    constraints as constraints,
)
from tf_keras import (
    initializers as initializers,
)
from tf_keras import (
    layers as layers,
)
from tf_keras import (
    losses as losses,
)
from tf_keras import (
    metrics as metrics,
)
from tf_keras import (
    mixed_precision as mixed_precision,
)
from tf_keras import (
    models as models,
)
from tf_keras import (
    optimizers as optimizers,
)
from tf_keras import (
    regularizers as regularizers,
)
from tf_keras import (
    saving as saving,
)
from tf_keras import (
    utils as utils,
)
from tf_keras.models import Model as Model
from tf_keras.models import Sequential as Sequential

__version__: str

Input: Any

def __getattr__(name: str) -> Any: ...

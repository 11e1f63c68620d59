"""The one package that imports Keras and TensorFlow: simulation, training, and lowering to a float flatbuffer.

Importing it registers qspec's layers, so that `keras.models.load_model` finds them.
"""

from qspec.keras.environment import require_keras

require_keras()

from qspec.keras.extraction import extract, strip  # noqa: E402  Keras is looked at before anything imports it
from qspec.keras.loading import load_model  # noqa: E402  as above
from qspec.keras.public import apply, export, quantize, verify  # noqa: E402  as above
from qspec.keras.quantized_model.model import QuantizedModel  # noqa: E402  as above

__all__ = ["QuantizedModel", "apply", "export", "extract", "load_model", "quantize", "strip", "verify"]

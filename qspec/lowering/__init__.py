"""The table between Keras layers and LiteRT ops, and the op graph it predicts."""

from qspec.lowering.lower import lower
from qspec.lowering.parameters import variables

__all__ = ["lower", "variables"]

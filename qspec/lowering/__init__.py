"""The table between Keras layers and LiteRT ops, and the op graph it predicts."""

from qspec.lowering.lower import lower
from qspec.lowering.parameters import variables
from qspec.lowering.table import register_lowering

__all__ = ["lower", "register_lowering", "variables"]

"""The table between Keras layers and LiteRT ops, and the op graph it predicts."""

from qspec.lowering.lower import lower
from qspec.lowering.parameters import variables
from qspec.lowering.versions import op_version

__all__ = ["lower", "op_version", "variables"]

"""The table of raw operations: which function writes the ops of which class in `keras.ops`."""

from __future__ import annotations

from qspec.lowering.operations_elementwise import ELEMENTWISE
from qspec.lowering.operations_indexing import INDEXING
from qspec.lowering.operations_movement import MOVEMENT
from qspec.lowering.operations_nn import NEURAL
from qspec.lowering.operations_products import PRODUCTS
from qspec.lowering.operations_reductions import REDUCTIONS
from qspec.lowering.site import Lowering

OPERATIONS: dict[str, Lowering] = {**ELEMENTWISE, **REDUCTIONS, **MOVEMENT, **INDEXING, **PRODUCTS, **NEURAL}

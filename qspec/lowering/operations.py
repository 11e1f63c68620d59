"""The table of raw operations: which function writes the ops of which class in `keras.ops`."""

from __future__ import annotations

from qspec.lowering.operations_attention import ATTENTION
from qspec.lowering.operations_elementwise import ELEMENTWISE
from qspec.lowering.operations_functions import FUNCTIONS
from qspec.lowering.operations_indexing import INDEXING
from qspec.lowering.operations_matrices import MATRICES
from qspec.lowering.operations_movement import MOVEMENT
from qspec.lowering.operations_nn import NEURAL
from qspec.lowering.operations_order import ORDER
from qspec.lowering.operations_products import PRODUCTS
from qspec.lowering.operations_rearranging import REARRANGING
from qspec.lowering.operations_reductions import REDUCTIONS
from qspec.lowering.operations_transforms import TRANSFORMS
from qspec.lowering.operations_windows import WINDOWS
from qspec.lowering.operations_without import WITHOUT
from qspec.lowering.site import Lowering

OPERATIONS: dict[str, Lowering] = {
    **WITHOUT,
    **ELEMENTWISE,
    **FUNCTIONS,
    **REDUCTIONS,
    **MOVEMENT,
    **REARRANGING,
    **INDEXING,
    **ORDER,
    **PRODUCTS,
    **MATRICES,
    **NEURAL,
    **WINDOWS,
    **ATTENTION,
    **TRANSFORMS,
}

"""Dense."""

from __future__ import annotations

from math import prod
from typing import Any

from qspec.graph.ops import Slot, Source
from qspec.lowering.activations import with_activation
from qspec.lowering.layout import reshaped
from qspec.lowering.site import Site, UnknownShape, Unsupported
from qspec.lowering.writing import reshape, works_on_rows


def dense(site: Site) -> int:
    """`Dense`: FULLY_CONNECTED, which keeps the leading dimensions of an input of more than two.

    Where it does not (`works_on_rows`), it reads `inner["rows"]`, all of them in one, and its result is
    `inner["result_rows"]`.
    """
    if site.config.has("quantization_config"):
        raise Unsupported("it has quantized weights of Keras' own")
    tensor = site.single_input()
    shape = site.shape(tensor)
    if len(shape) < 2:
        raise Unsupported(f"its input has {len(shape)} dimensions")
    if shape[-1] is None:
        raise UnknownShape("the number of input features is unknown")
    if not works_on_rows(shape, has_bias=site.uses_bias):
        return _activated(site, tensor)
    total = None if None in shape else prod(size or 0 for size in shape[:-1])
    rows = reshape(site, tensor, (total, shape[-1]), site.inner("rows"))
    return reshaped(site, "result_rows", lambda site: _activated(site, rows), lambda found: (*shape[:-1], found[-1]))


def _activated(site: Site, tensor: int) -> int:
    return with_activation(site, lambda slot: _fully_connected(site, tensor, slot))


def _fully_connected(site: Site, tensor: int, slot: Slot) -> int:
    units, shape = site.config["units"].integer(1), site.shape(tensor)
    operands = [tensor, site.weights("kernel", (units, shape[-1]), Source("kernel", permutation=(1, 0)))]
    operands.append(site.own_bias(units) if site.uses_bias else -1)
    attributes: dict[str, Any] = {
        "fused_activation_function": "NONE",
        "weights_format": "DEFAULT",
        "keep_num_dims": len(shape) > 2,
        "asymmetric_quantize_inputs": False,
    }
    return site.write("FULLY_CONNECTED", operands, (*shape[:-1], units), slot, **attributes)

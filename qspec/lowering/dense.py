"""Dense."""

from __future__ import annotations

from typing import Any

from qspec.graph.ops import Source
from qspec.lowering.activations import with_activation
from qspec.lowering.site import Site, UnknownShape, Unsupported


def dense(site: Site) -> int:
    """`Dense`: FULLY_CONNECTED, which keeps the leading dimensions of an input of more than two."""
    units = site.config["units"].integer(1)
    if site.config.has("lora_rank") or site.config.has("quantization_config"):
        raise Unsupported("it has low-rank or quantized weights of Keras' own")
    tensor = site.single_input()
    shape = site.shape(tensor)
    if len(shape) < 2:
        raise Unsupported(f"its input has {len(shape)} dimensions")
    if len(shape) > 2 and None in shape:
        raise Unsupported("its input has more than two dimensions, which becomes several ops where one is dynamic")
    if shape[-1] is None:
        raise UnknownShape("the number of input features is unknown")
    operands = [tensor, site.weights("kernel", (units, shape[-1]), Source("kernel", permutation=(1, 0)))]
    operands.append(site.own_bias(units) if site.uses_bias else -1)
    attributes: dict[str, Any] = {
        "fused_activation_function": "NONE",
        "weights_format": "DEFAULT",
        "keep_num_dims": len(shape) > 2,
        "asymmetric_quantize_inputs": False,
    }
    result = (*shape[:-1], units)
    return with_activation(site, lambda slot: site.write("FULLY_CONNECTED", operands, result, slot, **attributes))

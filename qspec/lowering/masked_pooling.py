"""`GlobalAveragePooling1D` of a sequence with a mask: the mean of the steps that count."""

from __future__ import annotations

from qspec.lowering.arguments import Arguments, cast_types
from qspec.lowering.attention import mask_tensor
from qspec.lowering.site import Site, Unsupported
from qspec.lowering.writing import binary, reduce, reshape


def masked_mean(site: Site, *, keep: bool) -> int:
    """The SUM of `inner["counted"]`, the steps times `inner["counts"]`, by `inner["number"]`, how many count."""
    arguments = Arguments(site)
    tensor, mask = arguments.tensor(0, "inputs"), mask_tensor(site, arguments.raw(1, "mask"))
    if mask is None or len(site.shape(mask)) != 2:
        raise Unsupported("its mask is not one of booleans, [batch, steps]")
    first = site.config.get("data_format").value == "channels_first"
    axis = 2 if first else 1
    batch, steps = site.shape(mask)
    wide = reshape(site, mask, (batch, 1, steps) if first else (batch, steps, 1), None)
    counts = site.write(
        "CAST", [wide], site.shape(wide), site.inner("counts"), "float32", **cast_types("bool", "float32")
    )
    counted = binary(site, "MUL", tensor, counts, site.inner("counted"))
    total = reduce(site, "SUM", counted, [axis], site.inner("sum"), keep=keep)
    number = reduce(site, "SUM", counts, [axis], site.inner("number"), keep=keep)
    return binary(site, "DIV", total, number, site.output)

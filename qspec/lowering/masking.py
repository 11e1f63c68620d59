"""`Masking`: steps that have one value everywhere count for nothing."""

from __future__ import annotations

from qspec.lowering.site import Site
from qspec.lowering.writing import binary, reduce, select


def masking(site: Site) -> int:
    """Zeros in place of the steps that are `mask_value` throughout: `inner["different"]` tells of each value, and
    `inner["counts"]` of each step, whether it is something else."""
    tensor = site.single_input()
    value = site.inner_constant("mask_value", (), site.config["mask_value"].number())
    different = binary(site, "NOT_EQUAL", tensor, value, site.inner("different"), "bool")
    last = len(site.shape(tensor)) - 1
    counts = reduce(site, "REDUCE_ANY", different, [last], site.inner("counts"), keep=True)
    return select(site, counts, tensor, site.inner_constant("zero", (), 0.0), site.output)

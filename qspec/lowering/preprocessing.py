"""Layers that prepare data: categories as vectors, random augmentation, which inference leaves out, and contrast."""

from __future__ import annotations

from collections.abc import Mapping

from qspec.graph.ops import Slot
from qspec.lowering.arguments import Arguments
from qspec.lowering.literals import Literal
from qspec.lowering.normalization import INTEGERS, cast
from qspec.lowering.site import Lowering, Site, Unsupported
from qspec.lowering.writing import binary, reduce, reshape, select, type_of

NUMBERS = ("float32", *INTEGERS)


TEXTS = "it works on texts, or makes texts of numbers, and LiteRT has no ops for that"
TABLES = "it looks values up in a table, which in LiteRT is a resource beside the graph"
FOREIGN = "it runs a program of another framework"
HISTOGRAMS = "it counts histograms, in dozens of ops over integers"


def without(reason: str) -> Lowering:
    """A layer that LiteRT has no ops for."""

    def lower(site: Site) -> int:
        raise Unsupported(reason)

    return lower


# ---- categories


def category_encoding(site: Site) -> int:
    """`CategoryEncoding`"""
    tokens = site.config["num_tokens"].integer(1)
    arguments = Arguments(site)
    tensor = arguments.tensor(0, "inputs")
    if type_of(site, tensor) not in ("int32", "int64"):
        tensor = cast(site, tensor, "int32", None)
    mode = site.config["output_mode"].text()
    weights = arguments.optional(1, "count_weights")
    if isinstance(weights, Literal):
        raise Unsupported("its weights are a constant")
    return _encoded(site, tensor, tokens, mode, weights)


def discretization(site: Site) -> int:
    """`Discretization`: BUCKETIZE, and for other output than numbers what `CategoryEncoding` makes of them."""
    boundaries = site.config["bin_boundaries"]
    if boundaries.is_none:
        raise Unsupported("it has no bins: it was not adapted to data, or its file does not tell them")
    limits = tuple(item.number() for item in boundaries.items())
    tensor = site.single_input(NUMBERS)
    if type_of(site, tensor) not in ("float32", "int32", "int64"):
        tensor = cast(site, tensor, "float32", site.inner("input_as_float32"))
    mode = site.config["output_mode"].text()
    slot = site.output if mode == "int" else None
    bins = site.write("BUCKETIZE", [tensor], site.shape(tensor), slot, "int32", boundaries=limits)
    return bins if mode == "int" else _encoded(site, bins, len(limits) + 1, mode, None)


def _encoded(site: Site, indices: int, depth: int, mode: str, weights: int | None) -> int:
    """A vector of *depth* numbers for each index, or for a sample: ONE_HOT, and then its largest numbers or its sum."""
    if site.config.has("sparse") and site.config["sparse"].boolean():
        raise Unsupported("it gives a sparse tensor")
    shape = site.shape(indices)
    if mode == "one_hot":
        if len(shape) > 1 and shape[-1] == 1:
            indices = reshape(site, indices, shape[:-1], None)
        return _one_hot(site, indices, depth, site.output)
    if mode not in ("multi_hot", "count"):
        raise Unsupported(f"its output mode is `{mode}`")
    if len(shape) < 2:
        raise Unsupported("it takes the whole batch for one sample")
    encoded = _one_hot(site, indices, depth, site.inner("one_hot"))
    if weights is not None:
        spread = reshape(site, weights, (*site.shape(weights), 1), site.inner("count_weights"))
        encoded = binary(site, "MUL", encoded, spread, site.inner("weighted"))
    return reduce(site, "REDUCE_MAX" if mode == "multi_hot" else "SUM", encoded, [1], site.output, keep=False)


def _one_hot(site: Site, indices: int, depth: int, slot: Slot) -> int:
    operands = [indices, site.draft.constant(depth, ())]
    operands += [site.inner_constant("on", (), 1.0), site.inner_constant("off", (), 0.0)]
    return site.write("ONE_HOT", operands, (*site.shape(indices), depth), slot, axis=-1)


# ---- images


def augmentation(*, casts: bool) -> Lowering:
    """Random augmentation: the identity at inference. Some layers cast images of integers to float32, others hand them
    on as they are."""

    def lower(site: Site) -> int:
        tensor = site.single_input(NUMBERS)
        if casts and type_of(site, tensor) != "float32":
            return cast(site, tensor, "float32", site.output)
        return site.vanish(tensor)

    return lower


def random_crop(site: Site) -> int:
    """`RandomCrop`: the identity at inference, whose result has its shape only if nothing is cropped."""
    tensor = site.single_input(NUMBERS)
    shape = site.shape(tensor)
    first = site.config.get("data_format").value == "channels_first"
    sizes = shape[2:] if first else shape[1:3]
    if sizes != tuple(site.config[key].integer(1) for key in ("height", "width")):
        raise Unsupported("at inference it crops nothing, and its result has not the shape that Keras tells of it")
    return site.vanish(tensor)


def auto_contrast(site: Site) -> int:
    """`AutoContrast`: (x - low) / (high - low) along height and width, times the width of the value range, plus its
    beginning; x itself where high = low."""
    tensor = site.single_input()
    if len(site.shape(tensor)) != 4:
        raise Unsupported(f"its input has {len(site.shape(tensor))} dimensions")
    begin, end = (item.number() for item in site.config["value_range"].items())
    low = reduce(site, "REDUCE_MIN", tensor, [1, 2], site.inner("low"), keep=True)
    high = reduce(site, "REDUCE_MAX", tensor, [1, 2], site.inner("high"), keep=True)
    span = binary(site, "SUB", high, low, site.inner("span"))
    flat = binary(site, "EQUAL", high, low, None, "bool")
    centered = binary(site, "SUB", tensor, low, site.inner("centered"))
    result = binary(site, "DIV", centered, span, site.inner("stretched"))
    if end - begin != 1:
        width = site.inner_constant("multiplier", (), end - begin)
        result = binary(site, "MUL", result, width, site.inner("multiplied"))
    if begin != 0:
        result = binary(site, "ADD", result, site.inner_constant("addend", (), begin), site.inner("shifted"))
    return select(site, flat, tensor, result, site.output)


def pipeline(lowerings: Mapping[str, Lowering]) -> Lowering:
    """`Pipeline`: its layers one behind the other; their tensors are named `layer_0/…`, and their results `layer_0`."""

    def lower(site: Site) -> int:
        tensor = site.single_input(NUMBERS)
        layers = site.config["layers"].items()
        for place, config in enumerate(layers):
            inside = site.layer_inside(config, f"layers.{place}").named(f"layer_{place}/")
            layer = inside.call.layer
            if not layer.built_in or layer.class_name not in lowerings:
                raise Unsupported(f"there is no entry for `{layer.class_name}` inside it in the lowering table")
            inside.inputs = [tensor]
            if place < len(layers) - 1:
                inside.result = site.inner(f"layer_{place}")
            result = lowerings[layer.class_name](inside)
            if not isinstance(result, int):
                raise Unsupported(f"`{layer.class_name}` inside it has several results")
            tensor = result
        return tensor if site.ops else site.vanish(tensor)

    return lower

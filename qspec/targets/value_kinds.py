"""What the names in a table's conditions can be, as far as that is known without a model: a number in some limits, one
of a few texts, a list of at most so many numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from qspec.graph.attributes import fields
from qspec.graph.flatbuffer import Field
from qspec.graph.op_names import OP_NAMES
from qspec.graph.operands import operand_names
from qspec.graph.ranks import MOST_DIMENSIONS, longest_list, operand_rank
from qspec.schema.operands import TYPES
from qspec.schema.target import OptionDefinition
from qspec.targets.scope import COMPUTED


@dataclass(frozen=True)
class Numbers:
    """Numbers from `low` to `high`; with `choices` only those, and `whole` ones alone if that is said."""

    low: float = float("-inf")
    high: float = float("inf")
    choices: tuple[float, ...] | None = None
    whole: bool = False

    def has(self, value: float) -> bool:
        """Whether *value* can be."""
        if self.choices is not None:
            return value in self.choices
        return self.low <= value <= self.high and (not self.whole or value == int(value))


@dataclass(frozen=True)
class Kind:
    """What a value can be: of these `sorts` (`number`, `text`, `truth`, `tuple`, `none`), of any if there is none.

    `texts` and `numbers` are all that a text or a number can be, None where nothing is known; `constant` tells that it
    is written out. A tuple has `items` of one kind and is at most `longest` long, or has just these `parts`. A text is
    `ordered` if one can come before another.
    """

    sorts: frozenset[str] = frozenset()
    texts: tuple[str, ...] | None = None
    numbers: Numbers | None = None
    items: Kind | None = None
    longest: int | None = None
    parts: tuple[Kind, ...] | None = None
    constant: bool = False
    ordered: bool = True

    @property
    def word(self) -> str:
        """`a number`, for messages."""
        return " or ".join(_WORDS[sort] for sort in _WORDS if sort in self.sorts)


_WORDS = {
    "number": "a number",
    "text": "a text",
    "truth": "true or false",
    "tuple": "a tuple",
    "none": "none",
}

ANYTHING = Kind()
NUMBER = Kind(frozenset({"number"}))
WHOLE = Kind(frozenset({"number"}), numbers=Numbers(whole=True))
TRUTH = Kind(frozenset({"truth"}))
TEXT = Kind(frozenset({"text"}))
_USUAL = ("int8", "uint8", "int16", "int4", "int32", "int64", "float16", "float32", "bool")
TYPE = Kind(frozenset({"text"}), texts=(*_USUAL, *sorted(TYPES - {*_USUAL})), ordered=False)
_NESTED = frozenset({"number", "tuple"})
_CONSTANT = Kind(_NESTED, items=Kind(_NESTED))  # a scalar, or lists of lists
_LIST = Kind(frozenset({"tuple"}), items=WHOLE)
_PAIRS = Kind(frozenset({"tuple"}), items=replace(_LIST, longest=2))
# Constant operands that are lists of integers whatever the file; others may be scalars.
_VALUES = {
    **dict.fromkeys(("paddings", "crops"), _PAIRS),
    **dict.fromkeys(("begin", "block_shape", "end", "multiples", "output_shape", "permutation"), _LIST),
    **dict.fromkeys(("size", "sizes", "shape", "strides"), _LIST),
    **dict.fromkeys(("axes", "axis"), Kind(_NESTED, items=WHOLE)),
}
_COMPUTED_TRUTHS = frozenset({"has_bias", "version_unknown"})
_COMPUTED_FRACTIONS = frozenset({"factor_h", "factor_w"})

MODEL_KINDS = {
    "static_shapes": TRUTH,
    "input_types": Kind(frozenset({"tuple"}), items=TYPE),
    "output_types": Kind(frozenset({"tuple"}), items=TYPE),
    "inputs": WHOLE,
    "outputs": WHOLE,
    "ops": WHOLE,
    "parameters": WHOLE,
}
"""What can be asked of a whole model. The counts are those of its inputs, outputs and ops; `parameters` are bytes."""


def joined(kinds: Iterable[Kind]) -> Kind:
    """What is known of a value that may be of any of *kinds*."""
    different = tuple(dict.fromkeys(kinds))
    if len(different) == 1:
        return different[0]
    if not all(kind.sorts for kind in different):
        return ANYTHING
    texts = [kind.texts for kind in different if "text" in kind.sorts]
    numbers = {kind.numbers for kind in different if "number" in kind.sorts}
    items = [kind.items for kind in different if "tuple" in kind.sorts]
    longest = [kind.longest for kind in different if "tuple" in kind.sorts]
    lengths = [length for length in longest if length is not None]
    return Kind(
        frozenset().union(*(kind.sorts for kind in different)),
        texts=None if None in texts else tuple(sorted({text for each in texts for text in each or ()})),
        numbers=_joined_numbers(numbers),
        items=joined(item for item in items if item is not None) if items and None not in items else None,
        longest=max(lengths) if lengths and len(lengths) == len(longest) else None,
        ordered=all(kind.ordered for kind in different),
    )


def _joined_numbers(numbers: set[Numbers | None]) -> Numbers | None:
    known = [each for each in numbers if each is not None]
    if not known or len(known) < len(numbers):
        return None
    whole = all(each.whole for each in known)
    if any(each.choices is None for each in known):
        return Numbers(min(each.low for each in known), max(each.high for each in known), whole=whole)
    choices = tuple(sorted({choice for each in known for choice in each.choices or ()}))
    return Numbers(choices[0], choices[-1], choices, whole)


def option_kind(option: OptionDefinition) -> Kind:
    """What an option can be."""
    if isinstance(option.default, str):
        chosen = option.choices
        return Kind(frozenset({"text"}), texts=None if chosen is None else tuple(str(text) for text in chosen))
    whole = isinstance(option.default, int)
    if option.choices is not None:
        choices = tuple(sorted(each for each in option.choices if not isinstance(each, str)))
        return Kind(frozenset({"number"}), numbers=Numbers(min(choices), max(choices), choices, whole))
    if option.limits is not None:
        return Kind(frozenset({"number"}), numbers=Numbers(*option.limits, whole=whole))
    return NUMBER


def computed_kind(name: str, kinds: Sequence[str]) -> Kind:
    """What a name of `qspec.targets.scope.COMPUTED` can be for ops of *kinds*."""
    if name in _COMPUTED_TRUTHS:
        return TRUTH
    if name == "kind":
        return Kind(frozenset({"text"}), texts=tuple(sorted(kinds)), ordered=False)
    return NUMBER if name in _COMPUTED_FRACTIONS else WHOLE


def attribute_kind(name: str, kinds: Iterable[str]) -> Kind | None:
    """What the attribute *name* can be for those of *kinds* that have it; None if none has."""
    found = [_field_kind(known[name]) for kind in kinds if name in (known := fields(kind))]
    return joined(found) if found else None


def _field_kind(field: Field) -> Kind:
    if field.kind == "text":
        return TEXT
    if field.kind not in ("number", "numbers"):
        return ANYTHING
    one = NUMBER if field.code in ("f", "d") else WHOLE
    if field.names:
        one = Kind(frozenset({"text"}), texts=field.names, ordered=False)
    elif field.code == "?":
        one = TRUTH
    return one if field.kind == "number" else Kind(frozenset({"tuple"}), items=one)


def has_operand(kind: str, name: str) -> bool:
    """Whether ops of *kind* have an operand of that name."""
    return name == "output" or name in operand_names(kind)


def constant_kind(name: str, kinds: Iterable[str]) -> Kind:
    """What the value of the constant operand *name* can be."""
    longest = max((longest_list(kind, name) for kind in kinds if has_operand(kind, name)), default=MOST_DIMENSIONS)
    return replace(_VALUES[name], longest=longest) if name in _VALUES else _CONSTANT


def property_kind(name: str, operand: str, kinds: Sequence[str]) -> Kind:
    """What `OPERAND.name` can be for ops of *kinds*."""
    ranks = [operand_rank(kind, operand) for kind in kinds if has_operand(kind, operand)]
    known = sorted({rank for rank in ranks if rank is not None})
    certain = bool(known) and None not in ranks
    match name:
        case "type":
            return TYPE
        case "scale":
            return NUMBER
        case "zero_point":
            return WHOLE
        case "constant":
            return TRUTH
        case "shape":
            return replace(_LIST, longest=known[-1] if certain else MOST_DIMENSIONS)
        case "rank":
            choices = tuple(float(rank) for rank in known)
            return Kind(WHOLE.sorts, numbers=Numbers(known[0], known[-1], choices, True)) if certain else WHOLE
    return ANYTHING


def each_kind(kinds: Sequence[str], exceptions: Sequence[str] = ()) -> Sequence[str]:
    """*kinds* one by one: `any` is every op but the *exceptions*."""
    return sorted(OP_NAMES - {*exceptions}) if "any" in kinds else kinds


def meaning(name: str, kinds: Iterable[str]) -> str:
    """What *name* already means in conditions of a table with rows for *kinds*, in words; empty if nothing."""
    if name in COMPUTED:
        return "it is computed of every op"
    if name in MODEL_KINDS or name == "memory":
        return "it is asked of every model"
    if name in ("input", "output"):
        return "it is an operand of every op"
    operand = next((kind for kind in sorted(OP_NAMES) if has_operand(kind, name)), None)
    owner = next((kind for kind in kinds if name in fields(kind)), None)
    return f"it is an operand of {operand}" if operand else f"it is an attribute of {owner}" if owner else ""

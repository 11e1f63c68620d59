"""Operands of a target's rows: `constant weights = int8 symmetric per_channel(0) | int8 symmetric per_tensor`."""

from __future__ import annotations

from typing import Any

from qspec.diagnostics import Advice, Diagnostic, Diagnostics
from qspec.diagnostics.catalogue import DUPLICATE_ATTRIBUTE, INVALID_VALUE
from qspec.schema.evaluate import Mistake
from qspec.schema.names import offer
from qspec.schema.target import Operand, OperandWords
from qspec.schema.values import number, shown
from qspec.syntax import tree

TYPES = frozenset(
    [
        "int2",
        "int3",
        "int4",
        "int5",
        "int6",
        "int7",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "bfloat16",
        "float32",
        "float64",
        "bool",
        "string",
        "complex64",
        "complex128",
        "resource",
        "variant",
    ]
)
_PLAIN = {
    "symmetric": ("scheme", "symmetric"),
    "asymmetric": ("scheme", "asymmetric"),
    "per_tensor": ("granularity", "per_tensor"),
}
# Types as other languages call them.
_MEANT = {
    "float": "float32",
    "single": "float32",
    "double": "float64",
    "half": "float16",
    "int": "int8",
    "byte": "int8",
}
_WITH_NUMBER = {"per_channel", "per_block", "scale", "zero_point"}
WORDS = (*sorted(TYPES), *_PLAIN, *sorted(_WITH_NUMBER))
"""The words that an operand type is made of."""
_EXAMPLES = {
    "per_channel": "per_channel(0)",
    "per_block": "per_block",
    "scale": "scale(1/256)",
    "zero_point": "zero_point(-128)",
}


def read_operand(node: tree.Operand, found: Diagnostics) -> Operand | None:
    """The operand of *node*; None, and a diagnostic, if its name makes no sense."""
    key: int | None = None
    match node.path.trailers:
        case ():
            pass
        case (tree.Index(value=tree.Quantity(value=int(position), unit=None)),):
            key = position
        case _:
            message = f"{shown(node.path)} is no operand"
            hint = "write a name, or a name and a position: `input[1]`"
            found.add(INVALID_VALUE.at(node.path.span, message, help=hint))
            return None
    types = tuple(words for item in node.types if (words := read_words(item, found)) is not None)
    return Operand(name=node.path.head.text, key=key, constant=node.constant, types=types, span=node.path.span)


def read_words(node: tree.OperandType, found: Diagnostics) -> OperandWords | None:
    """One alternative of an operand: a type and what is said about its parameters, in any order."""
    fields: dict[str, Any] = {}
    spans: dict[str, tree.Word] = {}
    for word in node.words:
        for name, value in _fields(word, found).items():
            if name in fields:
                message = f"{shown_word(word)} says something else than {shown_word(spans[name])}"
                diagnostic = DUPLICATE_ATTRIBUTE.at(word.span, message, help="separate alternatives with `|`")
                found.add(diagnostic.with_related(spans[name].span, "said here first"))
                continue
            fields[name], spans[name] = value, word
    if "type" not in fields:
        if not any(problem.span == node.words[0].span for problem in found.items):
            hint = "begin with a type, as `int8 symmetric`"
            found.add(INVALID_VALUE.at(node.span, "the operand has no type", help=hint))
        return None
    return OperandWords(**fields, span=node.span)


def shown_word(word: tree.Word) -> str:
    """A word as it is written, in backticks."""
    return f"`{word.span.source.text[word.span.start : word.span.end]}`"


def written(words: OperandWords) -> str:
    """An alternative of an operand as its table writes it."""
    return " ".join(words.span.source.text[words.span.start : words.span.end].split())


def _fields(word: tree.Word, found: Diagnostics) -> dict[str, Any]:
    """The fields of `OperandWords` that a word sets."""
    name = word.name.text
    if name in TYPES or name in _PLAIN:
        if word.arguments is not None:
            found.add(INVALID_VALUE.at(word.span, f"`{name}` takes no parentheses", help=Advice.write(name)))
        return {"type": name} if name in TYPES else dict([_PLAIN[name]])
    if name not in _WITH_NUMBER:
        hint = offer("a word", _MEANT.get(name, name), [*_PLAIN, *sorted(_WITH_NUMBER), *sorted(TYPES)])
        found.add(INVALID_VALUE.at(word.name.span, f"`{name}` says nothing about an operand", help=hint))
        return {}
    if name == "per_block":
        return {"granularity": "per_block"}
    argument = _only_argument(word, found)
    return {} if argument is None else _with_argument(name, argument, found)


def _only_argument(word: tree.Word, found: Diagnostics) -> tree.Expression | None:
    name = word.name.text
    if word.arguments is None or len(word.arguments) != 1 or word.arguments[0].name is not None:
        found.add(INVALID_VALUE.at(word.span, f"`{name}` takes one value", help=f"for example `{_EXAMPLES[name]}`"))
        return None
    return word.arguments[0].value


def _with_argument(name: str, argument: tree.Expression, found: Diagnostics) -> dict[str, Any]:
    if name == "scale" and (operands := _product(argument)):
        return {"scale_of": operands}
    try:
        value = number(argument)
    except Mistake as mistake:
        found.add(INVALID_VALUE.at(mistake.span, mistake.message, help=f"for example `{_EXAMPLES[name]}`"))
        return {}
    if name == "scale":
        if value <= 0:
            found.add(_out_of_range(argument, "a scale is above 0", name))
            return {}
        return {"scale": float(value)}
    if not isinstance(value, int) or (name == "per_channel" and value < 0):
        found.add(_out_of_range(argument, f"`{name}` takes a whole number", name))
        return {}
    return {"zero_point": value} if name == "zero_point" else {"granularity": "per_channel", "axis": value}


def _out_of_range(argument: tree.Expression, message: str, name: str) -> Diagnostic:
    hint = f"for example `{_EXAMPLES[name]}`"
    return INVALID_VALUE.at(argument.span, f"{message}, found {shown(argument)}", help=hint)


def _product(expression: tree.Expression) -> tuple[str, ...]:
    """The operands of `input * weights`; nothing if it is no product of names."""
    match expression:
        case tree.Path(head=head, trailers=()):
            return (head.text,)
        case tree.Binary(operator="*", left=left, right=right):
            first, second = _product(left), _product(right)
            return (*first, *second) if first and second else ()
    return ()

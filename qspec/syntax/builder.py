"""Makes the nodes of `tree.py` from the children that the automaton collects: one method per rule of the grammar."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from qspec.diagnostics import Diagnostic, Source, Span
from qspec.diagnostics.catalogue import INVALID_VALUE, RESERVED_WORD, SYNTAX_ERROR
from qspec.syntax import tree
from qspec.syntax.automaton import Build
from qspec.syntax.reserved import OPERATORS, VALUES
from qspec.syntax.strings import ESCAPE

LONGEST_NUMBER = 40  # characters; more than any number of 64 bits needs

_MENDED = {"=": "==", "=<": "<=", "=>": ">=", "<>": "!="}
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}


class Builder:
    """Builds the nodes of one source and keeps what is wrong with its strings and numbers."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.diagnostics: list[Diagnostic] = []

    @property
    def builds(self) -> dict[str, Build]:
        """A function for every rule, by its name in the grammar."""
        return {name: getattr(self, f"_{name.rstrip('_')}") for name in _RULES} | _LISTS

    @property
    def leaves(self) -> dict[str, Callable[[int, int], Any]]:
        """A function for every terminal that is more than its text."""
        return {"NAME": self._name, "STRING": self._string, "COMPARE": self._comparison}

    # ---- words

    def _name(self, start: int, end: int) -> tree.Name:
        name = tree.Name(self.text[start:end], Span(self.source, start, end))
        if name.text in OPERATORS:
            self._reserved(name)
        return name

    def _defined(self, name: tree.Name | None) -> None:
        """Report a name that a statement defines and that is a value of the language."""
        if name is not None and name.text in VALUES:
            self._reserved(name)

    def _reserved(self, name: tree.Name) -> None:
        message = f"`{name.text}` is a word of the language and cannot be a name"
        self.diagnostics.append(RESERVED_WORD.at(name.span, message, help="choose another name"))

    def _string(self, start: int, end: int) -> tree.String:
        if self.text[start] not in "\"'":  # its quotes are missing, and the reader has said so
            return tree.String(self.text[start:end], Span(self.source, start, end))
        text = self.text[start + 1 : end - 1]
        if self.text[start] == '"' and "\\" in text:
            text = ESCAPE.sub(lambda match: self._escaped(match, start + 1), text)
        return tree.String(text, Span(self.source, start, end))

    def _escaped(self, match: re.Match[str], offset: int) -> str:
        code, character = match.groups()
        if code is not None:
            number = int(code, 16)
            if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
                return chr(number)
        elif character in _ESCAPES:
            return _ESCAPES[character]
        span = Span(self.source, offset + match.start(), offset + match.end())
        what = f"`{match.group()}` is no character" if code else f"`{match.group()}` is no escape"
        hint = r"double quotes take \" \\ \n \t and \u{…}; single quotes take everything as it stands"
        self.diagnostics.append(SYNTAX_ERROR.at(span, what, help=hint))
        return match.group()

    def _comparison(self, start: int, end: int) -> str:
        operator = self.text[start:end]
        return _MENDED.get(operator, operator)  # the reader mends some, and has said so

    def _number(self, text: str, start: int) -> int | float:
        value: int | float = 0
        message = ""
        if len(text) > LONGEST_NUMBER:
            message = f"a number has at most {LONGEST_NUMBER} characters, this one has {len(text)}"
        else:
            value = int(text) if text.isdigit() else float(text)
            if math.isinf(value):
                message = f"`{text}` is larger than any number that can be held"
        if message:
            span = Span(self.source, start, start + len(text))
            self.diagnostics.append(INVALID_VALUE.at(span, message, help="write a smaller number"))
            return 0
        return value

    def _quantity(self, parts: list[Any], start: int, end: int) -> tree.Quantity:
        number, unit = parts
        return tree.Quantity(self._number(number, start), unit, Span(self.source, start, end))

    # ---- expressions

    def _path(self, parts: list[Any], start: int, end: int) -> tree.Path:
        return tree.Path(parts[0], tuple(parts[1:]), Span(self.source, start, end))

    def _member_name(self, parts: list[Any], start: int, end: int) -> tree.Name:
        name: tree.Name = parts[0]
        return name

    def _index(self, parts: list[Any], start: int, end: int) -> tree.Index:
        return tree.Index(parts[0], Span(self.source, start, end))

    def _argument(self, parts: list[Any], start: int, end: int) -> tree.Argument:
        return tree.Argument(parts[0], parts[1], Span(self.source, start, end))

    def _call(self, parts: list[Any], start: int, end: int) -> tree.Call:
        return tree.Call(parts[0], tuple(parts[1]), Span(self.source, start, end))

    def _tuple(self, parts: list[Any], start: int, end: int) -> tree.TupleLiteral:
        return tree.TupleLiteral(tuple(parts), Span(self.source, start, end))

    def _range(self, parts: list[Any], start: int, end: int) -> tree.RangeLiteral:
        return tree.RangeLiteral(parts[0], parts[1], Span(self.source, start, end))

    def _negative(self, parts: list[Any], start: int, end: int) -> tree.Negative:
        return tree.Negative(parts[-1], Span(self.source, start, end))

    def _binary_sum(self, parts: list[Any], start: int, end: int) -> tree.Binary:
        left, operator, right = parts
        return tree.Binary(operator, left, right, Span(self.source, start, end))

    _binary_product = _binary_sum

    def _compare(self, parts: list[Any], start: int, end: int) -> tree.Compare:
        left, operator, right = parts
        return tree.Compare(operator, left, right, Span(self.source, start, end))

    def _member(self, parts: list[Any], start: int, end: int) -> tree.Member:
        item, negation, container = parts
        return tree.Member(item, negation is not None, container, Span(self.source, start, end))

    def _text_match(self, parts: list[Any], start: int, end: int) -> tree.TextMatch:
        subject, negation, kind, pattern = parts
        return tree.TextMatch(subject, negation is not None, kind, pattern, Span(self.source, start, end))

    def _not(self, parts: list[Any], start: int, end: int) -> tree.Not:
        return tree.Not(parts[-1], Span(self.source, start, end))

    def _and(self, parts: list[Any], start: int, end: int) -> tree.And:
        return tree.And(tuple(parts), Span(self.source, start, end))

    def _or(self, parts: list[Any], start: int, end: int) -> tree.Or:
        return tree.Or(tuple(parts), Span(self.source, start, end))

    # ---- patterns

    def _layer_class(self, parts: list[Any], start: int, end: int) -> tree.LayerClass:
        if parts[0].text != "any":
            self._defined(parts[0])
        return tree.LayerClass(parts[0], Span(self.source, start, end))

    def _raw_operation(self, parts: list[Any], start: int, end: int) -> tree.RawOperation:
        name, operation = parts
        if name.text != "Operation":
            message = f"`{name.text}` takes patterns in its parentheses, not a string"
            hint = 'only `Operation("…")`, a Keras operation that is no layer, takes a string'
            self.diagnostics.append(SYNTAX_ERROR.at(operation.span, message, help=hint))
        return tree.RawOperation(operation, Span(self.source, start, end))

    def _merge(self, parts: list[Any], start: int, end: int) -> tree.Merge:
        layer, *inputs, rest = parts
        if isinstance(layer, tree.Name):
            layer = self._layer_class([layer], layer.span.start, layer.span.end)
        return tree.Merge(layer, tuple(inputs), rest is not None, Span(self.source, start, end))

    def _decorated(self, parts: list[Any], start: int, end: int) -> tree.Step:
        # `part? [as name]` has three children, `part as name` two.
        optional = len(parts) == 3
        self._defined(parts[-1])
        return tree.Step(parts[0], optional, parts[-1], Span(self.source, start, end))

    def _chain(self, parts: list[Any], start: int, end: int) -> tree.Chain:
        steps = (part if isinstance(part, tree.Step) else tree.Step(part, False, None, part.span) for part in parts)
        return tree.Chain(tuple(steps), Span(self.source, start, end))

    def _union(self, parts: list[Any], start: int, end: int) -> tree.Union:
        return tree.Union(tuple(parts), Span(self.source, start, end))

    # ---- statements

    def _edition(self, parts: list[Any], start: int, end: int) -> tree.Edition:
        return tree.Edition(int(self._number(parts[0], end - len(parts[0]))), Span(self.source, start, end))

    def _import(self, parts: list[Any], start: int, end: int) -> tree.Import:
        return tree.Import(parts[0], Span(self.source, start, end))

    def _deploy(self, parts: list[Any], start: int, end: int) -> tree.Deploy:
        target, options, alias = parts
        self._defined(alias)
        return tree.Deploy(target, tuple(options or ()), alias, Span(self.source, start, end))

    def _layer(self, parts: list[Any], start: int, end: int) -> tree.Likeness:
        return tree.Likeness(parts[0], parts[1], Span(self.source, start, end))

    def _assignment(self, parts: list[Any], start: int, end: int) -> tree.Assignment:
        return tree.Assignment(parts[0], parts[1], Span(self.source, start, end))

    def _quantizer(self, parts: list[Any], start: int, end: int) -> tree.Quantizer:
        name, base, body = parts
        self._defined(name)
        return tree.Quantizer(name, base, tuple(body), Span(self.source, start, end))

    def _pattern_definition(self, parts: list[Any], start: int, end: int) -> tree.PatternDefinition:
        self._defined(parts[0])
        return tree.PatternDefinition(parts[0], parts[1], Span(self.source, start, end))

    def _boundary(self, parts: list[Any], start: int, end: int) -> tree.Boundary:
        side, key, body = parts
        return tree.Boundary(side, key, tuple(body), Span(self.source, start, end))

    def _default(self, parts: list[Any], start: int, end: int) -> tree.Default:
        return tree.Default(tuple(parts[0]), Span(self.source, start, end))

    def _rule(self, parts: list[Any], start: int, end: int) -> tree.Rule:
        name, pattern, where, body = parts
        self._defined(name)
        return tree.Rule(name, pattern, where, tuple(body), Span(self.source, start, end))

    def _require(self, parts: list[Any], start: int, end: int) -> tree.Require:
        return tree.Require(parts[0], parts[1], Span(self.source, start, end))

    def _settings(self, parts: list[Any], start: int, end: int) -> tree.Settings:
        return tree.Settings(parts[0], tuple(parts[1]), Span(self.source, start, end))

    # ---- targets

    def _target(self, parts: list[Any], start: int, end: int) -> tree.Target:
        name, relation, base, *items = parts
        self._defined(name)
        return tree.Target(name, relation, base, tuple(items), Span(self.source, start, end))

    def _option(self, parts: list[Any], start: int, end: int) -> tree.Option:
        self._defined(parts[0])
        return tree.Option(parts[0], parts[1], parts[2], Span(self.source, start, end))

    def _model(self, parts: list[Any], start: int, end: int) -> tree.ModelBlock:
        return tree.ModelBlock(tuple(parts), Span(self.source, start, end))

    def _operation(self, parts: list[Any], start: int, end: int) -> tree.Operation:
        kinds, exceptions, when, items = parts
        span = Span(self.source, start, end)
        return tree.Operation(tuple(kinds), tuple(exceptions or ()), when, tuple(items), span)

    def _without(self, parts: list[Any], start: int, end: int) -> tree.Without:
        return tree.Without(tuple(parts[0]), Span(self.source, start, end))

    def _refuse(self, parts: list[Any], start: int, end: int) -> tree.Refuse:
        return tree.Refuse(parts[0], parts[1], Span(self.source, start, end))

    def _warn(self, parts: list[Any], start: int, end: int) -> tree.Warn:
        return tree.Warn(parts[0], parts[1], Span(self.source, start, end))

    def _when(self, parts: list[Any], start: int, end: int) -> tree.When:
        return tree.When(parts[0], tuple(parts[1]), Span(self.source, start, end))

    def _form(self, parts: list[Any], start: int, end: int) -> tree.Form:
        self._defined(parts[0])
        return tree.Form(parts[0], tuple(parts[1]), Span(self.source, start, end))

    def _operand(self, parts: list[Any], start: int, end: int) -> tree.Operand:
        constant, path, types = parts
        return tree.Operand(constant is not None, path, tuple(types), Span(self.source, start, end))

    def _operand_type(self, parts: list[Any], start: int, end: int) -> tree.OperandType:
        return tree.OperandType(tuple(parts), Span(self.source, start, end))

    def _word(self, parts: list[Any], start: int, end: int) -> tree.Word:
        name, arguments = parts
        arguments = None if arguments is None else tuple(arguments)
        return tree.Word(name, arguments, Span(self.source, start, end))

    def _source_note(self, parts: list[Any], start: int, end: int) -> tree.SourceNote:
        return tree.SourceNote(parts[0], parts[1], Span(self.source, start, end))

    def _unverified(self, parts: list[Any], start: int, end: int) -> tree.Unverified:
        return tree.Unverified(parts[0], Span(self.source, start, end))

    def _deprecated(self, parts: list[Any], start: int, end: int) -> tree.Deprecated:
        return tree.Deprecated(parts[0], Span(self.source, start, end))


def _as_list(parts: list[Any], start: int, end: int) -> list[Any]:
    return parts


_LISTS: dict[str, Build] = dict.fromkeys(
    ("start", "assignments", "arguments", "names", "operation_body", "operand_types", "word_arguments"), _as_list
)
_RULES = (
    *("quantity", "path", "member_name", "index", "argument", "call", "tuple", "range", "negative", "binary_sum"),
    *("binary_product", "compare", "member", "text_match", "not_", "and_", "or_"),
    *("layer_class", "raw_operation", "merge", "decorated", "chain", "union"),
    *(
        "edition",
        "import",
        "deploy",
        "layer",
        "assignment",
        "quantizer",
        "pattern_definition",
        "boundary",
        "default",
        "rule",
    ),
    *("require", "settings", "target", "option", "model", "operation", "without", "refuse", "warn", "when", "form"),
    *("operand", "operand_type", "word", "source_note", "unverified", "deprecated"),
)

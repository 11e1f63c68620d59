"""Conditions checked before any model is known: `where`, `require`, and those of targets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from qspec.diagnostics import Advice, Diagnostics
from qspec.diagnostics.catalogue import INVALID_EXPRESSION, UNDEFINED_NAME
from qspec.schema.evaluate import UNKNOWN, Mistake, Value, condition_holds, evaluate, unknown_function
from qspec.schema.names import listed, offer
from qspec.schema.values import shown
from qspec.syntax import tree

_COMPARISON = "a condition compares: `strides == (2, 2)`"
_TEXTS = 'for example `name like "head_*"`'


def check_condition(condition: tree.Expression, found: Diagnostics, functions: Collection[str] = ()) -> None:
    """Report what no model and no op can give a meaning. *functions* are known besides `mod`."""

    def call(node: tree.Call) -> Value:
        if node.function.trailers or node.function.head.text not in functions:
            raise unknown_function(node, functions)
        return UNKNOWN

    for part in parts(condition):
        try:
            condition_holds(part, lambda _: UNKNOWN, call)
        except Mistake as mistake:
            hint = mistake.help or (_TEXTS if isinstance(part, tree.TextMatch) else _COMPARISON)
            found.add(INVALID_EXPRESSION.at(mistake.span, mistake.message, help=hint))


def parts(condition: tree.Expression) -> Iterator[tree.Expression]:
    """The conditions that `and`, `or` and `not` join, so that a mistake in one does not hide the next."""
    match condition:
        case tree.And(parts=joined) | tree.Or(parts=joined):
            for part in joined:
                yield from parts(part)
        case tree.Not(operand=operand):
            yield from parts(operand)
        case _:
            yield condition


def nodes(expression: tree.Expression, inside_calls: bool = True) -> Iterator[tree.Expression]:
    """*expression* and everything in it, in the order of the text; on request without what stands in calls."""
    pending: list[tree.Expression] = [expression]
    while pending:
        node = pending.pop()
        yield node
        match node:
            case tree.And(parts=parts) | tree.Or(parts=parts) | tree.TupleLiteral(items=parts):
                pending += reversed(parts)
            case tree.Not(operand=operand) | tree.Negative(operand=operand):
                pending.append(operand)
            case tree.Compare(left=left, right=right) | tree.Binary(left=left, right=right):
                pending += (right, left)
            case tree.Member(item=item, container=container):
                pending += (container, item)
            case tree.RangeLiteral(low=low, high=high):
                pending += (high, low)
            case tree.TextMatch(subject=subject):
                pending.append(subject)
            case tree.Call(arguments=arguments) if inside_calls:
                pending += reversed([argument.value for argument in arguments])
            case tree.Path(trailers=trailers):
                pending += reversed([trailer.value for trailer in trailers if isinstance(trailer, tree.Index)])


# ---- `require`: comparisons of what qspec can measure

_BYTES = frozenset({"B", "KB", "MB", "GB", "KiB", "MiB", "GiB"})
# The units that each quantity takes; None stands for a number without unit.
UNITS: Mapping[str, frozenset[str | None]] = {
    "size": _BYTES,
    "parameters": _BYTES,
    "coverage": frozenset({"%"}),
    "partitions": frozenset({None}),
    "ops": frozenset({None}),
    "parity": frozenset({"lsb"}),
    "sqnr": frozenset({"dB"}),
    "accuracy_drop": frozenset({"%"}),
}
# What a deployed target is asked: `NAME.coverage`; of a coverage, by which measure: `NAME.coverage.macs`.
OF_TARGETS = ("coverage", "parameters", "partitions")
MEASURES = ("ops", "macs", "parameters")
_EXAMPLES = {
    "size": "size <= 1.5 MiB",
    "parameters": "coral.parameters <= 8 MiB",
    "coverage": "coral.coverage == 100%",
    "partitions": "coral.partitions == 1",
    "ops": "ops <= 100",
    "parity": "parity <= 1 lsb",
    "sqnr": "sqnr >= 30 dB",
    "accuracy_drop": "accuracy_drop <= 1%",
}


def check_requirement(condition: tree.Expression, deploys: Collection[str], found: Diagnostics) -> bool:
    """Report what `require` cannot ask; true if nothing is wrong. *deploys* are the names before `.coverage`."""
    before = len(found.items)
    for part in parts(condition):
        if not isinstance(part, tree.Compare | tree.Member):
            message = f"{shown(part)} is no comparison"
            found.add(INVALID_EXPRESSION.at(part.span, message, help=f"compare a quantity: `{_comparison(part)}`"))
            continue
        quantities = [name for node in nodes(part) if (name := _quantity(node, deploys, found)) is not None]
        if not quantities:
            if len(found.items) == before:
                hint = f"the quantities are {listed(UNITS)}"
                found.add(INVALID_EXPRESSION.at(part.span, f"{shown(part)} asks for nothing of the result", help=hint))
            continue
        _check_units(part, quantities[0], found)
        _check_meaning(part, found)
    return len(found.items) == before


def _comparison(part: tree.Expression) -> str:
    """How the quantity that *part* names is compared; an example of another where it names none."""
    match part:
        case tree.Call(function=tree.Path(head=tree.Name(text=name), trailers=())) if name == "sqnr":
            quantity = name
        case tree.Path(trailers=(tree.Name(text=name), *_)) if asks_of_target(part):
            quantity = name
        case tree.Path(head=tree.Name(text=name), trailers=()) if name in UNITS:
            if name in OF_TARGETS:
                return _EXAMPLES[name]  # of which target, it does not say
            quantity = name
        case _:
            return _EXAMPLES["size"]
    return f"{shown(part).strip('`')} {_EXAMPLES[quantity].partition(' ')[2]}"


def _quantity(node: tree.Expression, deploys: Collection[str], found: Diagnostics) -> str | None:
    """The quantity that *node* names, if it names one; what looks like one and is none is reported."""
    match node:
        case tree.Call(function=tree.Path(head=head, trailers=()), arguments=arguments) if head.text == "sqnr":
            if len(arguments) != 1 or arguments[0].name or not isinstance(arguments[0].value, tree.String):
                message = "`sqnr` takes the path of a layer in quotes"
                found.add(INVALID_EXPRESSION.at(node.span, message, help='write `sqnr("block/conv")`, or `sqnr`'))
            return "sqnr"
        case tree.Path(head=head, trailers=()) if head.text in UNITS:
            if head.text in OF_TARGETS:
                message = f"`{head.text}` does not say on which target"
                asked = [f"{deploy}.{head.text}" for deploy in deploys]
                hint = Advice(f"write `{next(iter(asked), f'NAME.{head.text}')}`", tuple(asked))
                found.add(INVALID_EXPRESSION.at(node.span, message, help=hint))
            return head.text
        case tree.Path(head=head, trailers=(tree.Name(text=name), *_)) if asks_of_target(node):
            if head.text not in deploys:
                message = f"nothing is deployed under the name `{head.text}`"
                none = Advice("write a `deploy` statement first")
                hint = offer("a deployed target", head.text, deploys) if deploys else none
                found.add(UNDEFINED_NAME.at(head.span, message, label="not found", help=hint))
            return name
        case tree.Path() if not _is_function_name(node):
            hint = _meant(node, deploys)
            found.add(INVALID_EXPRESSION.at(node.span, f"{shown(node)} is nothing that can be required", help=hint))
    return None


def _meant(path: tree.Path, deploys: Collection[str]) -> Advice:
    """The quantity that *path*, which names none, looks like."""
    known = [f"NAME.{name}" if name in OF_TARGETS else name for name in UNITS]
    words = [trailer.text for trailer in path.trailers if isinstance(trailer, tree.Name)]
    measures = {measure: f"coverage.{measure}" for measure in MEASURES}
    of_targets = {**measures, **{name: name for name in (*OF_TARGETS, *measures.values())}}
    if not words:
        return _of_deployed(offer("a quantity", path.head.text, known), deploys)
    import difflib

    if path.head.text in OF_TARGETS:  # the target before it is missing
        words.insert(0, path.head.text)
    close = difflib.get_close_matches(".".join(words), of_targets, n=1, cutoff=0.5)
    if not close:
        return _of_deployed(offer("a quantity", path.head.text, known), deploys)
    meant = f"{path.head.text if path.head.text in deploys else 'NAME'}.{of_targets[close[0]]}"
    return _of_deployed(offer("a quantity", meant, [meant]), deploys)


def _of_deployed(hint: Advice, deploys: Collection[str]) -> Advice:
    """*hint* with the names of what is deployed in place of `NAME` in its offers."""
    named = [
        f"{deploy}.{offer.removeprefix('NAME.')}" if offer.startswith("NAME.") else offer
        for offer in hint.offers
        if isinstance(offer, str)
        for deploy in (deploys if offer.startswith("NAME.") else ("",))
    ]
    return Advice(hint.sentence, tuple(named))


def asks_of_target(path: tree.Path) -> bool:
    """Whether *path* asks for something of what is deployed under its first word: `coral.coverage`."""
    first = path.trailers[0] if path.trailers else None
    return isinstance(first, tree.Name) and _is_of_target(first.text, path.trailers[1:])


def _is_of_target(name: str, more: Sequence[tree.Name | tree.Index]) -> bool:
    """Whether `NAME.name…` asks for something of a deployed target."""
    match more:
        case []:
            return name in OF_TARGETS
        case [tree.Name(text=measure)]:
            return name == "coverage" and measure in MEASURES
    return False


def _is_function_name(node: tree.Path) -> bool:
    return not node.trailers and node.head.text in ("mod", "true", "false", "none")


def _check_units(part: tree.Expression, quantity: str, found: Diagnostics) -> None:
    allowed = UNITS[quantity]
    for node in nodes(part, inside_calls=False):
        if isinstance(node, tree.String):
            message = f"`{quantity}` is a number, {shown(node)} is a text"
            found.add(INVALID_EXPRESSION.at(node.span, message, help=f"for example `{_EXAMPLES[quantity]}`"))
        if not isinstance(node, tree.Quantity) or node.unit in allowed:
            continue
        unit = f"the unit `{node.unit}`" if node.unit else "a number without unit"
        wanted = listed(sorted(filter(None, allowed)), "or") if allowed != {None} else "a plain number"
        message = f"`{quantity}` is not measured in {unit}" if node.unit else f"`{quantity}` needs a unit: {wanted}"
        found.add(INVALID_EXPRESSION.at(node.span, message, help=f"for example `{_EXAMPLES[quantity]}`"))


def _check_meaning(part: tree.Expression, found: Diagnostics) -> None:
    try:
        evaluate(part, lambda _: UNKNOWN, lambda _: UNKNOWN)
    except Mistake as mistake:
        found.add(INVALID_EXPRESSION.at(mistake.span, mistake.message, help=mistake.help or "compare with a quantity"))

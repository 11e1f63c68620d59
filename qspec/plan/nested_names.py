"""A nested model asked for where only its layers are there: what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from qspec.diagnostics import Advice, writing
from qspec.plan.index import LayerIndex
from qspec.schema.names import quoted
from qspec.schema.text_patterns import glob_matches
from qspec.syntax import tree


def nested_advice(part: tree.Expression, index: LayerIndex) -> Advice | None:
    """What to ask for in place of *part*, a comparison of a `name` or `path` with a text that fits no layer."""
    match part:
        case (
            tree.Compare(operator="==", left=tree.Path() as subject, right=tree.String() as text)
            | tree.Compare(operator="==", left=tree.String() as text, right=tree.Path() as subject)
            | tree.TextMatch(negated=False, subject=tree.Path() as subject, pattern=tree.String() as text)
        ):
            word = [subject.head, *subject.trailers][-1]
            if not isinstance(word, tree.Name) or word.text not in ("name", "path"):
                return None
            return _of_model(part, word, text, index) or _slash_in_name(part, word, text, index)
    return None


def _of_model(part: tree.Expression, word: tree.Name, text: tree.String, index: LayerIndex) -> Advice | None:
    name = text.text.rstrip("/")
    model = next((each for each in nested_models(index) if name in (each, each.rpartition("/")[2])), None)
    if model is None:
        return None
    written = f"path like {quoted(f'{model}/**')}"
    hint = f"`{model}` is a nested model, which is opened: `{written}` asks for its layers"
    whole = word.span.to(text.span) if word.span.start < text.span.start else text.span.to(word.span)
    return Advice(hint, (writing(whole, written),))


def _slash_in_name(part: tree.Expression, word: tree.Name, text: tree.String, index: LayerIndex) -> Advice | None:
    if word.text != "name" or "/" not in text.text:
        return None
    hint = "a `name` has no `/`: `path` has the names of nested models before it"
    fits = _fitting(part, text.text)
    found = any(fits(call.layer.path) for call in index.graph.calls)
    return Advice(hint, (writing(word.span, "path"),) if found else ())


def _fitting(part: tree.Expression, text: str) -> Callable[[str], object]:
    """Whether a value fits *text*, compared as in *part*."""
    if not isinstance(part, tree.TextMatch):
        return text.__eq__
    if part.kind == "like":
        return partial(glob_matches, text)
    from qspec.schema.regular_expression import RegularExpression, compile_regex  # few specs need it

    regex = compile_regex(text)
    return lambda value: isinstance(regex, RegularExpression) and regex.fullmatch(value)


def nested_models(index: LayerIndex) -> Iterable[str]:
    """The paths of the models that the model holds, each once."""
    found: dict[str, None] = {}
    for call in index.graph.calls:
        parts = call.layer.path.split("/")[:-1]
        found |= dict.fromkeys("/".join(parts[: number + 1]) for number in range(len(parts)))
    return found

"""What could stand for a value: the words of an attribute, numbers and texts of options, units that fit a quantity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qspec.schema.conditions import UNITS, asks_of_target, nodes
from qspec.schema.target import OptionDefinition
from qspec.schema.vocabulary import BLOCKS, END_TYPES, EXAMPLES, VALUES
from qspec.server.candidate import Candidate
from qspec.server.manual import said_of
from qspec.server.place import Place, written
from qspec.server.view import View
from qspec.syntax import tree
from qspec.syntax.machine import UNITS as UNIT_WORDS

_MOST_NUMBERS = 12  # of a range that is written out
_BYTES = UNITS["size"]


# ---- attributes


def values(view: View, place: Place) -> Iterator[Candidate]:
    """The words that the attribute takes whose value is being typed."""
    at_end = place.statement in ("input", "output") and place.assigned == "type"
    for word in _end_types(view, place) if at_end else VALUES.get(place.assigned, ()):
        about = next(filter(None, (said_of(word, title) for title in ("quantizer", "calibrate and train"))), "")
        yield Candidate(word, "value", EXAMPLES.get(word, "") if "(" in EXAMPLES.get(word, "") else "", about)


def _end_types(view: View, place: Place) -> Iterable[str]:
    """What an input or output of the model can be in the file: one of integers is what the model has."""
    key = next((part.text for part in place.head if isinstance(part, tree.String)), None)
    own = dict.fromkeys(type_ for name, type_ in view.ends(place.statement) if key in (None, name))
    integers = [type_ for type_ in own if type_ != "float32"]
    return integers if integers and len(integers) == len(own) else (*END_TYPES, *integers)


def arguments(view: View, place: Place) -> Iterator[Candidate] | None:
    """What stands in parentheses behind a value: numbers, or attributes to amend; None where it is neither."""
    outer, word = place.outer(), written(place.head[-1:])
    if word in EXAMPLES:
        return _numbers(place, word)
    if outer.bracket != "{" or not outer.assigned or place.statement not in ("rule", "default"):
        return None
    if place.assigned:
        return values(view, place)
    left = (name for name in BLOCKS["quantizer"] if name not in place.done)
    return (Candidate(name, "attribute", ", ".join(VALUES[name]), said_of(name, "quantizer")) for name in left)


def _numbers(place: Place, word: str) -> Iterator[Candidate]:
    """The rest of the numbers that a word takes, as an example has them."""
    numbers = EXAMPLES[word].partition("(")[2].removesuffix(")").split(", ")
    rest = ", ".join(numbers[sum(isinstance(node, tree.Argument) for node in place.nodes) :])
    if rest:
        yield Candidate(rest, "value", f"for example {EXAMPLES[word]}")


# ---- options of a target


def options(view: View, place: Place) -> Iterator[Candidate]:
    """The options of the target that is deployed, less those that are given."""
    table = view.target(place.stack[1].text)
    for name, option in (table.options if table is not None else {}).items():
        if name not in place.done:
            limits = f"{option.limits[0]:g}..{option.limits[1]:g}" if option.limits is not None else ""
            detail = limits or ", ".join(map(str, option.choices or ()))
            yield Candidate(name, "option", detail, f"default: {option.default}")


def option_values(view: View, place: Place) -> Iterator[Candidate]:
    """What the option takes whose value is being typed, the default first; in quotes no quotes are written."""
    table = view.target(place.stack[1].text)
    option = table.options.get(place.assigned) if table is not None else None
    quoted = place.expected.string is not None
    for value in dict.fromkeys((option.default, *_allowed(option))) if option is not None else ():
        if isinstance(value, str) or not quoted:
            text = f'"{value}"' if isinstance(value, str) and not quoted else str(value)
            yield Candidate(text, "value", "default" if option is not None and value == option.default else "")


def _allowed(option: OptionDefinition) -> Iterable[int | float | str]:
    """The values of an option: of a great many numbers, or numbers that are not whole, both ends."""
    if option.limits is None:
        return option.choices or ()
    low, high = option.limits
    if isinstance(option.default, float):
        return low, high
    first, last = int(low), int(high)
    return range(first, last + 1) if last - first < _MOST_NUMBERS else (first, last)


# ---- units


def units(place: Place) -> Iterator[Candidate]:
    """The units in which what a number is compared with is measured; in a block of a target, bytes."""
    if "UNIT" in place.expected.terminals:
        fitting = _units_of(place)
        yield from (Candidate(unit, "unit") for unit in (*sorted(UNIT_WORDS), "%") if unit in fitting)


def _units_of(place: Place) -> Iterable[str | None]:
    if place.statement == "require":
        compared = next(_quantities(place), None)
        return UNITS[compared] if compared is not None else {unit for every in UNITS.values() for unit in every}
    return _BYTES if place.assigned.startswith("memory.") else ()


def _quantities(place: Place) -> Iterator[str]:
    """The quantities that a comparison names, the last first."""
    for part in reversed(place.stack):
        if part in ("and", "or"):
            return
        for node in nodes(part) if isinstance(part, tree.Expression) else ():
            match node:
                case tree.Path(trailers=(tree.Name(text=name), *_)) if asks_of_target(node):
                    yield name
                case tree.Path(head=head) | tree.Call(function=tree.Path(head=head)) if head.text in UNITS:
                    yield head.text

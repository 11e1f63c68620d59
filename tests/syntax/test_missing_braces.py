"""A brace that is missing is one mistake, told at its block."""

import random
import re

import pytest

from qspec._resources import resource
from qspec.diagnostics import Source
from qspec.syntax import parse, tree
from tests.syntax.told import mistakes

TABLE = """\
target npu on tflite {
  title = "Neural"
  op CONV_2D {
    form i8 { input = int8 }
    require rank == 4
  }
  op ADD {
    input = int8
  }
  model { refuse when ops > 3 }
  op SUB | MUL when rank < 3 {
    input = int8
    require rank < 5
  }
}
deploy npu
"""


def without(line: int, text: str) -> str:
    """The table without *text* in a line counted from 1."""
    lines = TABLE.splitlines(keepends=True)
    assert text in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(text, "")
    return "".join(lines)


def flat(text: str) -> str:
    """*text* without indentation."""
    return "".join(line.lstrip(" ") for line in text.splitlines(keepends=True))


# The place is in the text with `qspec 1` before it.
@pytest.mark.parametrize("shape", [str, flat])
@pytest.mark.parametrize(
    ("line", "text", "place", "message"),
    [
        (6, "}", 8, "`op CONV_2D`, opened in line 4, is not closed"),
        (9, "}", 11, "`op ADD`, opened in line 8, is not closed"),
        (3, "{", 4, "the block of `op CONV_2D` is not opened: expected `{` after `CONV_2D`"),
        (7, "{", 8, "the block of `op ADD` is not opened: expected `{` after `ADD`"),
        (11, "{", 12, "the block of `op SUB | MUL` is not opened: expected `{` after `3`"),
        (1, "{", 2, "the block of `target npu` is not opened: expected `{` after `tflite`"),
    ],
)
def test_a_missing_brace_is_one_mistake_at_its_block(shape, line, text, place, message):
    file, found = mistakes(shape(without(line, text)))

    assert [(place, message)] == [(number, words) for (number, _), words in found]
    table = file.statements[1]
    assert ["CONV_2D", "ADD", "SUB"] == [item.kinds[0].text for item in table.items if isinstance(item, tree.Operation)]
    assert isinstance(file.statements[2], tree.Deploy)


@pytest.mark.parametrize(
    ("line", "text", "place", "message"),
    [
        (4, " }", 6, "`form i8`, opened in line 5, is not closed"),
        (14, "}", 16, "`op SUB | MUL`, opened in line 12, is not closed"),
        (10, " }", 12, "`model`, opened in line 11, is not closed"),
    ],
)
def test_where_lines_are_indented_they_show_which_block_is_not_closed(line, text, place, message):
    _, found = mistakes(without(line, text))

    assert [(place, message)] == [(number, words) for (number, _), words in found]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule r match Dense {\n  weights = w\n", "`rule r`, opened in line 2, is not closed"),
        ("  default {\n    a = b\n  rule r match D { a = b }\n", "`default`, opened in line 2, is not closed"),
        ("default weights = w\n", "the block of `default` is not opened: expected `{` after `default`"),
        (
            "rule r match Dense\n  weights = w\n  output = a\n}\n",
            "the block of `rule r` is not opened: expected `{` after `Dense`",
        ),
        ("default\n  output = a\n}\n", "the block of `default` is not opened: expected `{` after `default`"),
        ("quantizer w type = int8 }\n", "the block of `quantizer w` is not opened: expected `{` after `w`"),
        ("input\n  type = int8\n}\n", "the block of `input` is not opened: expected `{` after `input`"),
    ],
)
def test_a_missing_brace_of_any_block_leaves_the_next_statement_alone(text, message):
    file, found = mistakes(text + "quantizer next { type = int8 }\nrequire size <= 1 MiB\n")

    assert [message] == [words for _, words in found]
    assert [tree.Quantizer, tree.Require] == [type(statement) for statement in file.statements[-2:]]


def test_a_block_that_is_never_closed_shows_its_start():
    source = Source("spec", "qspec 1\ndefault {\n  a = b\n")
    _, (diagnostic,) = parse(source)

    assert ["spec:2:9"] == [str(span) for span, _ in diagnostic.related]


def brace_pairs(text):
    """The offsets of the braces that belong together, in a text without braces in strings and comments."""
    opened, pairs = [], []
    for index, character in enumerate(text):
        if character == "{":
            opened.append(index)
        elif character == "}":
            pairs.append((opened.pop(), index))
    return pairs


@pytest.mark.parametrize("seed", [20261123, 20261124, 20261125])
def test_any_brace_that_is_taken_from_a_large_table_is_the_one_that_is_missed(seed):
    table = (resource("specs") / "targets" / "edgetpu.qspec").read_text(encoding="utf-8")
    table = re.sub(r'#[^\n]*|"[^"\n]*"', lambda found: re.sub("[{}]", " ", found.group()), table)
    text = f"{table}\ndeploy edgetpu\nrequire size <= 1 MiB\n"
    for pair in random.Random(seed).sample(brace_pairs(text), 15):
        for brace in pair:
            source = Source("spec", text[:brace] + text[brace + 1 :])
            _, found = parse(source)

            assert 1 == len(found), f"seed {seed}, offset {brace}"
            places = [found[0].span, *(span for span, _ in found[0].related)]
            # What is before the brace stays where it was.
            line = Source("spec", text).position(pair[0])[0]
            assert line in [source.position(span.start)[0] for span in places], f"seed {seed}, offset {brace}"

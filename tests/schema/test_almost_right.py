"""Names from elsewhere in a table: the help says what they are called here."""

from __future__ import annotations

import pytest

from qspec.graph.op_names import OP_NAMES
from qspec.lint import check
from qspec.schema import loads
from qspec.schema.meant_ops import _OF_LAYERS

OPTION = 'option revision = "a" in ("a", "c")'


def helps(row: str) -> list[tuple[str, str]]:
    """Place and help of everything that is said of a table with a row."""
    spec, diagnostics = loads(f"qspec 1\ntarget npu on tflite {{\n{OPTION}\n{row}\n}}\n")
    assert spec is not None
    return [(str(item.span), item.help) for item in check(spec, None, diagnostics).diagnostics]


@pytest.mark.parametrize(
    ("row", "column", "help"),
    [
        ("op Dense { input = int8 }", 4, "op names are LiteRT's: write `FULLY_CONNECTED`"),
        ("op DENSE { input = int8 }", 4, "op names are LiteRT's: write `FULLY_CONNECTED`"),
        ("op Conv2D { input = int8 }", 4, "op names are LiteRT's: write `CONV_2D`"),
        ("op Softmax { input = int8 }", 4, "op names are LiteRT's: write `SOFTMAX`"),
        ("op ADD { input = float }", 18, "a word with a similar name exists: `float32`"),
        ("op CONV_2D { input = int8, require padding == SAME }", 47, 'write it in quotes: `"SAME"`'),
        ("op CONV_2D { input = int8, require revision != c }", 48, 'write it in quotes: `"c"`'),
        ("op CONV_2D { input = int8, require input.type == int8 }", 50, 'write it in quotes: `"int8"`'),
        ("op CONV_2D { input = int8, require padding in (SAME, VALID) }", 48, 'write it in quotes: `"SAME"`'),
    ],
)
def test_a_name_from_elsewhere_hears_its_own(row: str, column: int, help: str) -> None:
    assert (f"<string>:4:{column}", help) in helps(row)


def test_a_word_for_the_whole_model_is_written_in_quotes() -> None:
    row = "op ADD { input = int8 }\nmodel { refuse when revision == c }"

    assert [("<string>:5:33", 'write it in quotes: `"c"`')] == helps(row)


def test_every_layer_is_sent_to_an_op_of_litert() -> None:
    assert set(_OF_LAYERS.values()) <= set(OP_NAMES)

"""The canonical layout: what a person sees of it, construct by construct."""

from textwrap import dedent

import pytest

from qspec.diagnostics import Source
from qspec.syntax import parse, same_meaning
from qspec.syntax.formatter import FormatterBug, formatted
from tests.syntax.formatting import format_text


def of(text: str) -> str:
    """The text as it is indented here."""
    return dedent(text).lstrip("\n")


LAID_OUT = {
    "blanks": (
        "qspec   1\nimport\t'std/int8.qspec'\ndeploy edgetpu( runtime=14 )as coral\ndefault{weights=w8,output=a8}\n",
        """
        qspec 1
        import "std/int8.qspec"
        deploy edgetpu(runtime = 14) as coral
        default { weights = w8, output = a8 }
        """,
    ),
    "a block that was written in lines stays so, one on a line too": (
        "default { weights = w8\n output = a8 }\nrule r match Dense { output = a8 }\ninput {\n}\n",
        """
        default {
          weights = w8
          output  = a8
        }
        rule r match Dense { output = a8 }
        input {}
        """,
    ),
    "items that share a line go on to do so": (
        "target t on tflite {\n op ADD {\n input=int8,output=int8,\n constant weights=int8|int4\n bias = int32 }\n}\n",
        """
        target t on tflite {
          op ADD {
            input = int8, output = int8
            constant weights = int8 | int4
            bias             = int32
          }
        }
        """,
    ),
    "what is too long for a line is opened": (
        "rule wide match Conv2D as conv -> ReLU? as act where conv.filters >= 32 and conv.kernel_size in "
        "((1, 1), (3, 3)) and not act { conv.weights = w8, act.output = a8 }\n",
        """
        rule wide match Conv2D as conv -> ReLU? as act
            where conv.filters >= 32 and conv.kernel_size in ((1, 1), (3, 3)) and not act {
          conv.weights = w8
          act.output   = a8
        }
        """,
    ),
    "conditions break before their operators": (
        "require coral.coverage.macs >= 99% and coral.coverage.parameters >= 99% and phone.coverage == 100% or "
        'size <= 100 KiB and ops < 20 because "it is small"\n',
        """
        require coral.coverage.macs >= 99% and coral.coverage.parameters >= 99% and phone.coverage == 100%
          or size <= 100 KiB and ops < 20
          because "it is small"
        """,
    ),
    "chains hang from their sign": (
        "pattern block = (Conv2D|DepthwiseConv2D) as conv\n  -> BatchNormalization? -> (ReLU|Activation)? as act\n"
        "pattern short = Conv2D -> ReLU?\n",
        """
        pattern block = (Conv2D | DepthwiseConv2D) as conv
                     -> BatchNormalization?
                     -> (ReLU | Activation)? as act
        pattern short = Conv2D -> ReLU?
        """,
    ),
    "alternatives fill lines": (
        "target t extends tflite { op CONV_2D {\n constant weights = int8 symmetric per_channel(0) | int8 symmetric "
        f"per_tensor | int4 symmetric per_channel(0)\n }}\n without {' | '.join(f'OPERATION_{i}' for i in range(9))}}}",
        """
        target t extends tflite {
          op CONV_2D {
            constant weights = int8 symmetric per_channel(0) | int8 symmetric per_tensor
                             | int4 symmetric per_channel(0)
          }
          without OPERATION_0 | OPERATION_1 | OPERATION_2 | OPERATION_3 | OPERATION_4 | OPERATION_5
            | OPERATION_6 | OPERATION_7 | OPERATION_8
        }
        """,
    ),
    "a comma at the end keeps a list open": (
        "default { weights = w8(type = int4, narrow = false,) }\ndeploy a(b = (1,))\n"
        'target t { option v = "a" in ("a", "b",) }\n',
        """
        default {
          weights = w8(
            type = int4,
            narrow = false,
          )
        }
        deploy a(b = (1,))
        target t {
          option v = "a" in (
            "a", "b",
          )
        }
        """,
    ),
    "signs": (
        "quantizer q { range = exact(1/256,- 128) }\nrequire a-1*2 > -b and c in 1 .. 3 and d in -1..n\n"
        "require e in 1..2 KiB or f[ - 1 ]==100 % or g . h[\"i\"]<=1MiB\n",
        """
        quantizer q { range = exact(1/256, -128) }
        require a - 1 * 2 > -b and c in 1..3 and d in -1..n
        require e in 1 .. 2 KiB or f[-1] == 100% or g.h["i"] <= 1 MiB
        """,
    ),
    "strings": (
        "require a matches 'a+' or a like 'b*' or a == 'say \"x\"' or a in ('\\d',) because 'we say so'\n",
        """
        require a matches 'a+' or a like "b*" or a == 'say "x"' or a in ('\\d',) because "we say so"
        """,
    ),
    "blank lines group": (
        "\n\nqspec 1\n\n\n\nimport 'a'\ndefault {\n\n a = b\n\n\n c = d\n\n}\n\n\n",
        """
        qspec 1

        import "a"
        default {
          a = b

          c = d
        }
        """,
    ),
    "comments": (
        "#first\n\n# second\nqspec 1# the edition\ndefault {# all\n# above\na = b # one\nccc = d, # two\n"
        "\n  # last\n}\n#end",
        """
        #first

        # second
        qspec 1    # the edition
        default {  # all
          # above
          a   = b  # one
          ccc = d  # two

          # last
        }
        #end
        """,
    ),
    "comments behind what takes several lines": (
        "quantizer a_long_name { # open\n  type = int8 # t\n  range = minmax\n} # end\nquantizer q { # next\n"
        "  type = int4\n}\npattern p = A\n  -> B # b\npattern q_ = # q\n  C\n  -> D # d\n",
        """
        quantizer a_long_name {  # open
          type  = int8           # t
          range = minmax
        }  # end
        quantizer q {  # next
          type = int4
        }
        pattern p = A
                 -> B  # b
        pattern q_ =  # q
                  C
                  -> D  # d
        """,
    ),
    "comments inside statements": (
        "rule r match A # a\n  -> B # b\n  # c\n  -> C where d and # e\n f(1, # g\n 2) { }\n",
        """
        rule r match A  # a
            -> B        # b
            # c
            -> C
            where d  # e
              and f(
                1,  # g
                2,
              ) {}
        """,
    ),
    "braces below each other": (
        "input { type = int8 }\noutput { type = int8 }\n\noutput { type = int8 }\nquantizer a { type = int8 }\n"
        "quantizer abc { type = int4 }\n"
        "quantizer far extends abc { type = int4 }\n",
        """
        input  { type = int8 }
        output { type = int8 }

        output { type = int8 }
        quantizer a   { type = int8 }
        quantizer abc { type = int4 }
        quantizer far extends abc { type = int4 }
        """,
    ),
    "names that differ much do not stand below each other": (
        'rule r match LSTM {\n weights = a\n weights["a/rather/long/path/to/a/kernel"] = b\n state = c\n}\n',
        """
        rule r match LSTM {
          weights = a
          weights["a/rather/long/path/to/a/kernel"] = b
          state = c
        }
        """,
    ),
    "windows": (
        "qspec 1\r\n\r\n# a\r\ndefault {\r\n\tall = float\r\n}",
        "qspec 1\n\n# a\ndefault {\n  all = float\n}\n",
    ),
    "nothing": ("\n \n", ""),
    "comments alone": ("\n# a", "# a\n"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), LAID_OUT.values(), ids=LAID_OUT)
def test_layout(text, expected):
    assert of(expected) == format_text(text)


@pytest.mark.parametrize("expected", [expected for _, expected in LAID_OUT.values()], ids=LAID_OUT)
def test_what_is_laid_out_stays(expected):
    assert of(expected) == format_text(of(expected))


LONG = " | ".join(["DepthwiseConv2D"] * 7)
SUPPRESSED = {
    "a statement, in its first line": (
        f"rule r match {LONG} {{ # qspec: ignore[QS301]\noutput=a8\n}}\n",
        f"rule r match {LONG} {{  # qspec: ignore[QS301]\n  output = a8\n}}\n",
    ),
    "a statement, above it": (
        f"# qspec: ignore[QS301]\nrule r match {LONG} {{\noutput=a8\n}}\n",
        f"# qspec: ignore[QS301]\nrule r match {LONG[:87]}\n    | DepthwiseConv2D | DepthwiseConv2D {{\n"
        "  output = a8\n}\n",
    ),
    "a line that would join the one above": (
        "rule r match Dense\nwhere a and b { # qspec: ignore[QS302]\noutput = a8\n}\n",
        "rule r match Dense\n    where a and b {  # qspec: ignore[QS302]\n  output = a8\n}\n",
    ),
    "what stands in the line of the brace": (
        "default { weights = w8 # qspec: ignore[QS303]\noutput = a8\n}\n",
        "default { weights = w8  # qspec: ignore[QS303]\n  output = a8\n}\n",
    ),
    "a line of items, above it": (
        "default {\n# qspec: ignore[QS303]\nweights=w8,output=a8\nstate = a8\n}\n",
        "default {\n  # qspec: ignore[QS303]\n  weights = w8, output = a8\n  state = a8\n}\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), SUPPRESSED.values(), ids=SUPPRESSED)
def test_suppressions_stay_with_what_they_speak_of(text, expected):
    assert expected == format_text(text)


def test_a_text_with_mistakes_is_left_as_it_is():
    found = formatted(Source("text", "qspec 1\ndefault{ a: b }\n"))

    assert ["expected `=` after `a`, found `:`"] == [item.message for item in found]


@pytest.mark.parametrize("what", ["the meaning", "the comments", "what is suppressed"])
def test_a_layout_that_would_change_more_is_not_given_out(monkeypatch, what):
    monkeypatch.setattr(same_meaning, "difference", lambda first, second: what)

    with pytest.raises(FormatterBug, match=what):
        formatted(Source("text", "default{}"))


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("default { a = b }", "default { a = c }", "the meaning"),
        ("default { a = 1 }", "default { a = 1.0 }", "the meaning"),
        ("default { a = b } # c", "default { a = b } # d", "the comments"),
        ("default { a = b } # c", "default { a = b }", "the comments"),
        ("a\n# c\n", "# c\na\n", ""),
        (
            "default {\n  a = b\n  # qspec: ignore[QS301]\n  c = d\n}",
            "default {\n  a = b # qspec: ignore[QS301]\n  c = d\n}",
            "what is suppressed",
        ),
        ("default {} # qspec: ignore[QS301]", "# qspec: ignore[QS301]\ndefault {}", ""),
    ],
)  # fmt: skip
def test_differences_are_seen(before, after, what):
    files = [parse(Source("text", text))[0] for text in (before, after)]

    assert what == same_meaning.difference(*files)

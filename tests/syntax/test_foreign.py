"""What people bring along from other languages: one error, at what is foreign, that says how it is written here."""

from __future__ import annotations

import pytest

from qspec.diagnostics import Source
from qspec.syntax import parse

RULE = "rule a match Dense where {} {{ output = a8 }}\n"
PATTERN = "rule a match {} {{ output = a8 }}\n"


FOREIGN = [
    ("// a comment", "//", "write `#`"),
    ("/* a comment */", "/*", "write `#`"),
    ("-- a comment", "--", "write `#`"),
    ("deploy edgetpu // the stick", "//", "write `#`"),
    ("deploy edgetpu { runtime = 14 }", " { runtime = 14 }", "write `deploy edgetpu(runtime = 14)`"),
    ("from std import int8", "from", 'write `import "std/int8.qspec"`'),
    ('include "std/int8.qspec"', "include", 'write `import "std/int8.qspec"`'),
    ("version 1", "version", "write `qspec 1`"),
    ("require size < 4M", "M", "write `4 MB`, or `4 MiB` of 1024"),
    ("input { range = 0..255 }", "0..255", "write `fixed(0, 255)`"),
    ("input { range = -1..1 }", "-1..1", "write `fixed(-1, 1)`"),
    ("quantizer w4 = w8(type = int4)", "=", "write `quantizer w4 extends w8 { … }`"),
    ("quantizer w4(w8) { type = int4 }", "(", "write `quantizer w4 extends w8 { … }`"),
    ("quantizer w4: w8 { type = int4 }", ":", "write `quantizer w4 extends w8 { … }`"),
    ('rule "my rule" match Dense { output = a8 }', '"my rule"', "write `my_rule`"),
    ("rule a where units > 3 { output = a8 }", "where", "write `rule a match any where …`"),
    ("rule a match Dense { skip }", "skip", "write `all = float`"),
    ("rule a match Dense {\n  float\n}", "float", "write `all = float`"),
    ('layer "conv1" { weights = w8 }', "layer", 'write `rule NAME match any where name == "conv1" { … }`'),
    ("layer conv1 { weights = w8 }", "layer", 'write `rule NAME match any where name == "conv1" { … }`'),
    (PATTERN.format("Conv2D or Dense"), "or", "write `|`"),
    (PATTERN.format("Conv2D and Dense"), "and", "`A | B` is either"),
    (PATTERN.format("[Conv2D, Dense]"), "[Conv2D, Dense]", "write `Conv2D | Dense`"),
    (PATTERN.format("*"), "*", "write `any`"),
    (PATTERN.format("encoder/conv_1"), "encoder/conv_1", 'write `any where path == "encoder/conv_1"`'),
    (PATTERN.format("encoder/*"), "encoder/*", 'write `any where path like "encoder/*"`'),
    (PATTERN.format("keras.layers.Conv2D"), "keras.layers.Conv2D", "write `Conv2D`"),
    (PATTERN.format("Conv2D => ReLU"), "=>", "write `->`"),
    (PATTERN.format("Conv2D >> ReLU"), ">>", "write `->`"),
    (PATTERN.format("Conv2D + ReLU"), "+", "write `->`"),
    (PATTERN.format("Conv2D ReLU"), "ReLU", "write `Conv2D -> ReLU`"),
    (RULE.format("units % 8 == 0"), "units % 8", "write `mod(units, 8)`"),
    (RULE.format("input.shape[-1] % 8 == 0"), "%", "write `mod(a, b)`"),
    (RULE.format("units >= 2**8"), "**", "only `+`, `-`, `*` and `/` calculate"),
    (RULE.format("activation is none"), "is", "write `==`"),
    (RULE.format("activation is not none"), "is not", "write `!=`"),
    (RULE.format('name ~ "head*"'), "~", "write `like`"),
    (RULE.format('name =~ "head.*"'), "=~", "`matches` with a regular expression"),
    (RULE.format('name !~ "head.*"'), "!~", "write `not like`"),
    (RULE.format('name in "a", "b"'), '"a", "b"', 'write `in ("a", "b")`'),
    (RULE.format("units in 8, 16, 32"), "8, 16, 32", "write `in (8, 16, 32)`"),
    (RULE.format("units > .5"), ".5", "write `0.5`"),
    (RULE.format("units > 1_000"), "1_000", "write `1000`"),
    (RULE.format("units > 1k"), "1k", "write all its digits"),
    (RULE.format("shape == [3, 3]"), "[3, 3]", "write `(3, 3)`"),
    (RULE.format("units in [16]"), "[16]", "write `(16,)`"),
    (RULE.format("units >= 16, units <= 32"), ",", "write `and`"),
    ("train { freeze_ranges_after = 5 epochs }", "5 epochs", "write `epochs(5)`"),
    ("default { weights = w8 { type = int4 } }", " { type = int4 }", "write `w8(type = int4)`"),
    ("default { weights, output = float }", "weights", "write `weights = …, output = …`"),
    ("default: { weights = w8 }", ":", "remove it"),
    ("deploy to edgetpu", "to edgetpu", "write `deploy edgetpu`"),
    ("deploy cmsis-nn", "-", "write `cmsis_nn`"),
    ("target edgetpu", "", "write `deploy edgetpu`"),
    ("rule a Conv2D { output = a8 }", "Conv2D", "write `rule a match Conv2D`"),
    (PATTERN.format('Concatenate(any where name == "a", any)'), "where", "`any as x`, and ask behind the last `)`"),
    (RULE.format("index in (0..2)"), "(0..2)", "write `in 0..2`"),
    ("rule a match Dense: weights = w8", ":", "write `{ … }`"),
    ("match Dense { weights = w8 }", "match", "write `rule NAME match …`"),
    ("Dense { weights = w8 }", "Dense", "write `rule NAME match Dense { … }`"),
    ("weights = w8", "weights", "`default { weights = … }`"),
]
# How those begin that have more than one remedy.
UNDECIDED = (
    "from ",
    "version ",
    "require ",
    "quantizer ",
    "layer ",
    "match ",
    "Dense ",
    "weights ",
    "rule a match Dense:",
    "target ",
    "deploy cmsis-nn",
    "rule a match Concatenate(",
)


@pytest.mark.parametrize(("text", "shown", "advice"), FOREIGN)
def test_one_error_that_says_what_to_write(text, shown, advice):
    text = f"qspec 1\n{text}\ndeploy xnnpack\n"
    file, (problem,) = parse(Source("a.qspec", text))

    assert ("QS001", shown) == (problem.code, text[problem.span.start : problem.span.end])
    assert advice in problem.help
    assert "deploy xnnpack" == text[file.statements[-1].span.start : file.statements[-1].span.end]


@pytest.mark.parametrize("text", [text for text, *_ in FOREIGN if not text.startswith(UNDECIDED)])
def test_the_fix_makes_it_right(text):
    text = f"qspec 1\n{text}\n"
    _, (problem,) = parse(Source("a.qspec", text))
    signs = (" and ", "[-1] %", "**", "~", "1k", "weights, output")
    assert (problem.fix is None) == any(sign in text for sign in signs), problem.fix
    for edit in problem.fix.edits if problem.fix else ():
        mended = text[: edit.span.start] + edit.text + text[edit.span.end :]
        assert () == tuple(parse(Source("a.qspec", mended))[1])


@pytest.mark.parametrize(
    "text",
    [
        "require size <= 4 MB",
        "rule skip match Dense { output = float }",
        "rule float_ match include { output = a8 }",
        "rule a match Dense where version == 1 and is != 3 { output = a8 }",
        "rule a match Dense where x / y > 0.5 and 100% > units { output = a8 }",
    ],
)
def test_what_only_looks_foreign_is_read(text):
    assert () == tuple(parse(Source("a.qspec", f"qspec 1\n{text}\n"))[1])

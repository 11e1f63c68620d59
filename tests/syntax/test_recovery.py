"""Mistakes: each told once, in its own line, in words that say what to do."""

import gc
import time

import pytest

from qspec.diagnostics import Source
from qspec.syntax import parse, tree
from tests.syntax.told import mistakes


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("quantizer w { type int8 }", (2, 20), "expected `=` after `type`, found `int8`"),
        ("quantizer w { type: int8 }", (2, 19), "expected `=` after `type`, found `:`"),
        ("quantizer w { type == int8 }", (2, 20), "expected `=` after `type`, found `==`"),
        ("quantizer w\n{ type = int8 }", (3, 1), "the opening brace stands on the line of its statement"),
        ("rule r match Dense, Conv2D { }", (2, 19), "alternatives are not separated by commas"),
        ("rule r match Dense, { }", (2, 19), "a pattern does not end with a comma"),
        ('rule r match Operation("Add", X) { }', (2, 29), "the name of an operation stands alone in its parentheses"),
        ("default { a = b };", (2, 18), "statements do not end with `;`"),
        ("import a.qspec", (2, 8), "expected a string in quotes after `import`, found `a.qspec`"),
        ("rule r match D where u = 3 { }", (2, 24), "`=` assigns, a condition compares with `==`"),
        ('rule r match D where n == "x { }', (2, 27), "the string is not closed"),
        ("default { a = @ }", (2, 15), "`@` means nothing in qspec"),
        ("default { a = \x07 }", (2, 15), "U+0007 means nothing in qspec"),
        ("default {\n  a = b\n", (3, 8), "`default`, opened in line 2, is not closed"),
        ("default { a = (b }", (2, 15), "`(` is never closed"),
        ("default { a = b) }", (2, 16), "`)` closes nothing"),
        ("rule r match A | B as x { }", (2, 20), "`as` would belong to one alternative only"),
        ("rule r match A -> B | C { }", (2, 21), "`->` and `|` do not mix without parentheses"),
        ("rule r match A where 1 < u < 3 { }", (2, 28), "comparisons cannot be chained"),
        ("rul r match A { }", (2, 1), "no statement begins with `rul`"),
        ("default { a = b c = d }", (2, 17), "expected a new line, `}` or `,` after `b`, found `c`"),
        ("default {\n  a =\n  b = c\n}", (3, 5), "`a` has no value: nothing stands behind `=`"),
        ('default {\n  a["x"] = # no\n  # more\n}', (3, 10), '`a["x"]` has no value: nothing stands behind `=`'),
        (
            "target t { op A {\n  input =\n  constant output = int8\n} }",
            (3, 9),
            "`input` has no value: nothing stands behind `=`",
        ),
        ("require a because so it is", (2, 19), "expected a string in quotes after `because`, found `so it is`"),
    ],
)
def test_mistake_has_a_message_of_its_own(text, place, message):
    _, found = mistakes(text)

    assert [(place, message)] == found


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("ReLU, Softmax", "write `ReLU | Softmax`"),
        ("(A -> B), C", "put `|` between them"),
        ("Add(a, b), C", "put `|` between them"),
    ],
)
def test_alternatives_are_put_right_in_the_persons_own_words(pattern, hint):
    _, (diagnostic,) = parse(Source("spec", f"qspec 1\nrule r match {pattern} {{ }}\n"))

    assert hint == diagnostic.help


@pytest.mark.parametrize("condition", ["ops= 3", "ops = 3"])
def test_an_equal_sign_that_compares_is_read_as_a_comparison(condition):
    file, found = parse(Source("spec", f"qspec 1\nrequire {condition}\n"))
    (_, requirement) = file.statements

    assert ["`=` assigns, a condition compares with `==`"] == [item.message for item in found]
    assert "==" == requirement.condition.operator


@pytest.mark.parametrize(
    ("text", "place", "message", "help"),
    [
        ('when a == "b" { require false }', 3, "`when` cannot stand directly in a target", "`op`, `form` and `when`"),
        ("require rank < 5", 3, "`require` cannot stand directly in a target", "`model { … }`"),
        ("model { when ops > 3 { require false } }", 11, "`when` cannot stand in `model`", "`refuse when … and …`"),
        ('model { source "sheet" }', 11, "`source` cannot stand in `model`", "`target` and `op`"),
        ("form i8 { input = int8 }", 3, "`form` cannot stand directly in a target", "`op`"),
        ("constant weights = int8", 3, "`constant` cannot stand directly in a target", "`op`, `form` and `when`"),
    ],
)
def test_an_item_out_of_place_hears_where_it_stands(text, place, message, help):
    source = Source("spec", f"qspec 1\ntarget npu on tflite {{\n  {text}\n  op ADD {{ input = int8 }}\n}}\n")
    file, (diagnostic,) = parse(source)

    assert ((3, place), message) == (source.position(diagnostic.span.start), diagnostic.message)
    assert help in diagnostic.help
    assert "ADD" == file.statements[1].items[-1].kinds[0].text


def test_a_condition_in_a_rule_is_sent_behind_the_pattern():
    _, (diagnostic,) = parse(Source("spec", "qspec 1\nrule r match Dense {\n  when u > 3 { weights = w }\n}\n"))

    assert "`when` cannot stand in `rule`" == diagnostic.message
    assert "`match Dense where …`" in diagnostic.help


@pytest.mark.parametrize(
    ("text", "place", "message", "help"),
    [
        ("require size =< 3 B", 14, "`=<` is no comparison", "write `<=`"),
        ("require size => 3 B", 14, "`=>` is no comparison", "write `>=`"),
        ("require ops <> 3", 13, "`<>` is no comparison", "write `!=`"),
        ("require size <= 80 Kib", 20, "there is no unit `Kib`", "a unit with a similar name exists: `KiB`"),
        (
            "require latency <= 5 ms",
            22,
            "there is no unit `ms`",
            "a latency is not predicted: measure it on the device",
        ),
        (
            "require size <= 80 stone",
            20,
            "there is no unit `stone`",
            "the units are `B`, `GB`, `GiB`, `KB`, `KiB`, `MB`, `MiB`, `dB`, `lsb` and `%`",
        ),
        ('require ops < 3 becuase "x"', 17, "expected `because`, found `becuase`", "write `because`"),
        ("rule r mach Dense { }", 8, "expected `match`, found `mach`", "write `match`"),
        ("rule r match D when u > 3 { a = b }", 16, "expected `where`, found `when`", "write `where`"),
        ("rule r match D if u > 3 { a = b }", 16, "expected `where`, found `if`", "write `where`"),
        ("target a { op ADD where rank > 3 { } }", 19, "expected `when`, found `where`", "write `when`"),
        ("target a { refuse if rank > 3 }", 19, "expected `when`, found `if`", "write `when`"),
        (
            "target a { op ADD { form { input = int8 } } }",
            26,
            "expected a name after `form`, found `{`",
            "write `form NAME { … }`",
        ),
        ("quantizer b extend a { }", 13, "expected `extends`, found `extend`", "write `extends`"),
        ('quantizer "w" { }', 11, 'a word of the language or a name stands without quotes, found "w"', "write `w`"),
        (
            "target a on tflite extends edgetpu { }",
            20,
            "a target has either `on` or `extends`",
            "`extends edgetpu` brings the host of `edgetpu` along: remove `on tflite`",
        ),
        (
            "target a extends edgetpu on tflite { }",
            26,
            "a target has either `on` or `extends`",
            "`extends edgetpu` brings the host of `edgetpu` along: remove `on tflite`",
        ),
        (
            'target a { option f = "x" in ("x") }',
            34,
            "one value in parentheses is no list",
            'write `("x",)`',
        ),
        (
            'target a { op ADD { input = "int8" } }',
            29,
            'a word of the language or a name stands without quotes, found "int8"',
            "write `int8`",
        ),
    ],
)
def test_what_is_almost_right_is_told_as_it_is_written(text, place, message, help):
    source = Source("spec", f"qspec 1\n{text}\n")
    _, (diagnostic,) = parse(source)

    assert ((2, place), message, help) == (source.position(diagnostic.span.start), diagnostic.message, diagnostic.help)


@pytest.mark.parametrize("word", ["when", "require", "op", "form", "source", "rule", "default"])
@pytest.mark.parametrize("frame", ["{} x y", "target t {{\n  {} x y\n}}", "rule r match D {{\n  {} x y\n}}"])
def test_no_word_is_offered_in_place_of_itself(word, frame):
    _, found = parse(Source("spec", f"qspec 1\n{frame.format(word)}\n"))

    assert found
    assert all(f"exists: `{word}`" not in item.help for item in found)


def test_a_text_may_end_behind_a_comparison_that_is_none():
    _, found = mistakes("target t {\n  model {\n    require ops =<")

    assert "`=<` is no comparison" in [message for _, message in found]


def test_mistakes_do_not_hide_each_other_nor_what_is_right():
    file, found = mistakes(
        "quantizer a { type: int8 }\n"
        "rule b match Dense, Conv2D { output = a }\n"
        "default {\n  weights = a;\n  output a\n}\n"
        "rule c match Dense where units = 3 { output = a }\n"
        "import std\n"
        "rule d match Dense { output = a }\n"
    )

    assert [2, 3, 5, 6, 8, 9] == [line for (line, _), _ in found]
    kinds = [tree.Edition, tree.Quantizer, tree.Rule, tree.Default, tree.Rule, tree.Import, tree.Rule]
    assert kinds == [type(statement) for statement in file.statements]


@pytest.mark.parametrize("text", ["import std/int8.qspec", "import std/int8.qspec  # why"])
def test_an_import_without_quotes_is_read_all_the_same(text):
    file, found = mistakes(f"{text}\ndefault {{ weights = w8 }}\n")

    assert [((2, 8), "expected a string in quotes after `import`, found `std/int8.qspec`")] == found
    assert "std/int8.qspec" == file.statements[1].path.text


def test_names_of_statements_with_mistakes_are_kept():
    file, _ = mistakes("quantizer a extends { type = int8 }\ndeploy edgetpu(runtime 14) as coral\n")

    assert ["a", "edgetpu", "coral"] == [name.text for name in file.unread]


@pytest.mark.parametrize("opening", ["(", "not ", "-", "x(", "x[", "1 + "])
def test_depth_is_capped(opening):
    text = f"require {opening * 2000}1"
    _, found = mistakes(text)

    assert any(message == "more than 64 levels of nesting" for _, message in found)


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("not ", ""), ("- ", ""), ("x(", ")"), ("x[", "]")])
def test_sixty_levels_are_fine(opening, closing):
    _, found = mistakes(f"require {opening * 60}1{closing * 60} == 1")

    assert [] == found


@pytest.mark.parametrize(("inside", "outside"), [("not (", ")"), ("not not (", ")"), ("not f(", ")"), ("(not ", ")")])
def test_nesting_of_both_sorts_is_capped_together(inside, outside):
    depth = inside.count("not") + inside.count("(")
    fine, deep = 64 // depth - 1, 64 // depth + 1
    messages = [mistakes(f"require {inside * count}a == 1{outside * count}")[1] for count in (fine, deep)]

    assert [] == messages[0]
    assert ["more than 64 levels of nesting"] == [message for _, message in messages[1]]


def test_deep_braces_are_capped():
    _, found = mistakes("target t { op A {" + "when a == 1 {" * 100)

    assert any(message == "more than 64 levels of nesting" for _, message in found)


@pytest.mark.parametrize(
    "text",
    [
        "rule r match Dense { weights w }\n" * 10_000,
        "default {\n" + "  weights w\n" * 60_000 + "}\n",
        "default {\n" + "a=b\n" * 60_000,
        "(" * 500_000,
        "\n" * 500_000 + "}",
        "# comment\n" * 60_000 + "rule",
    ],
    ids=["statements", "items", "open", "brackets", "lines", "comments"],
)
def test_large_files_full_of_mistakes_end_soon(text):
    gc.freeze()  # else the collector walks what earlier tests left, and that is what is measured
    start = time.process_time()
    _, found = mistakes(text)
    seconds = time.process_time() - start
    gc.unfreeze()

    assert found
    assert seconds < 10  # quadratic time would be minutes


@pytest.mark.parametrize(
    "line", ["rule r{0} match Dense {{ weights w }}", "default {{ weights == }}", "quantizer q{0} {{ type = int8;; }}"]
)
def test_a_thousand_mistakes_are_reported_and_that_there_are_more(line):
    text = "".join(f"{line.format(number)}\n" for number in range(1, 1501))
    _, found = mistakes(text)

    assert 1001 == len(found)
    assert "there are more mistakes than the 1,000 that are reported" == found[-1][1]
    assert found[-1][1] not in [message for _, message in found[:-1]]


def test_a_thousand_mistakes_and_no_more_are_reported_as_they_are():
    _, found = mistakes("quantizer w { type int8 }\n" * 1000)

    assert ["expected `=` after `type`, found `int8`"] * 1000 == [message for _, message in found]


def test_behind_a_thousand_mistakes_what_is_right_is_still_read():
    wrong = "quantizer q { type = = int8 }\n" * 1500
    file, _ = mistakes(wrong + "quantizer last { type = int8 }\n")

    assert "last" == file.statements[-1].name.text


def test_lines_may_end_with_carriage_return_and_line_feed():
    text = "quantizer w {\n  type = int8\n}\nrule r match Dense\n  where units == 1 {\n  output = w\n}\n"
    unix, _ = mistakes(text)
    windows, found = mistakes(text.replace("\n", "\r\n"))

    assert [] == found
    assert [repr(statement) for statement in unix.statements] == [repr(statement) for statement in windows.statements]


def test_long_lists_are_not_deep():
    rules = "".join(f"rule r{number} match Dense {{ weights = w }}\n" for number in range(500))
    chain = " -> ".join(["Dense"] * 500)
    file, found = mistakes(f"{rules}pattern p = {chain}\nrequire size in ({', '.join('1' * 500)})\n")

    assert [] == found
    assert 503 == len(file.statements)

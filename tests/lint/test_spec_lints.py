"""Rules that look at a spec alone: over several files, in libraries, and beside mistakes."""

from __future__ import annotations

import pytest

from qspec.lint import check
from qspec.schema import loads

USES = "default { weights = w8, output = a8 }\n"
STANDARD = 'import "std/int8.qspec"\n'


def said(text: str, **imports: str) -> list[tuple[str, str]]:
    """Codes of family 9 and QS312 with the text that they point at; *imports* are files beside the main one."""
    files = {f"{name}.qspec": f"qspec 1\n{content}" for name, content in imports.items()}
    spec, diagnostics = loads(f"qspec 1\n{text}", "main.qspec", files)
    assert spec is not None
    found = [
        item for item in check(spec, None, diagnostics).diagnostics if item.code[:3] == "QS9" or item.code == "QS312"
    ]
    return sorted((item.code, item.span.source.text[item.span.start : item.span.end]) for item in found)


# ---- what is used


def test_a_library_is_not_asked_what_it_is_for():
    assert [] == said(STANDARD + "quantizer w4 extends w8 { type = int4 }\npattern head = Dense\n")


def test_what_an_imported_file_defines_is_for_others():
    assert [] == said(
        STANDARD + 'import "own.qspec"\n' + USES + "rule r match head { weights = w4 }\n",
        own="""
quantizer w4 { type = int4, granularity = per_channel }
quantizer w2 { type = int2, granularity = per_channel }
pattern head = Dense
pattern tail = Softmax
""",
    )


def test_what_an_imported_file_uses_is_used():
    assert [] == said(
        'import "own.qspec"\nquantizer w4 { type = int4 }\ndefault { output = float }\n',
        own="rule r match Dense { weights = w4 }\n",
    )


def test_one_user_is_enough_whatever_the_order():
    text = """rule r match b { weights = x }
pattern b = a -> ReLU
pattern a = Dense
quantizer x extends y { narrow = true }
quantizer y { type = int4 }
"""

    assert [] == said(text)


@pytest.mark.parametrize(
    "mistake",
    [
        "rule q match Dense { weights = w9 }",
        "rule q match Dense weights = w4 }",
        'rule q match Dense { weights = "w4" }',
        "quantizer w3 { bits = 3 }",
        'import "no.qspec"',
    ],
)
def test_nothing_is_called_unused_beside_a_mistake_that_may_hide_a_use(mistake):
    assert [] == said(
        f'{STANDARD}import "std/float16.qspec"\nquantizer w4 extends w8 {{ type = int4 }}\n{USES}{mistake}\n'
    )


# ---- imports


def test_rules_and_settings_are_a_use_of_an_import():
    for content in (
        "rule r match Dense { all = float }",
        "require size <= 1 MiB",
        "calibrate { seed = 3 }",
        "deploy xnnpack",
    ):
        assert [] == said(f'{STANDARD}import "own.qspec"\n{USES}', own=content)


def test_an_import_is_used_through_another():
    assert [] == said(f'import "own.qspec"\n{USES}', own=STANDARD + "quantizer w4 { type = int4 }")


def test_of_two_imports_that_bring_the_same_one_is_kept():
    brings = {"one": STANDARD + "quantizer w4 { type = int4 }", "two": STANDARD + "quantizer w2 { type = int2 }"}

    assert [("QS904", '"two.qspec"')] == said(f'import "one.qspec"\nimport "two.qspec"\n{USES}', **brings)


def test_an_import_that_another_brings_too_may_be_written_out():
    assert [] == said(f'import "std/int16x8.qspec"\n{STANDARD}{USES}rule r match Dense {{ output = a16 }}\n')


def test_files_that_import_each_other_are_another_mistake():
    assert [] == said(
        'import "own.qspec"\ndefault { output = x }\n', own='import "main.qspec"\nquantizer x { type = int8 }'
    )


# ---- names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rule r match Conv2D as conv -> ReLU as act where not act { conv.weights = w8 }", []),
        ("rule r match Conv2D as weights -> ReLU { output = a8 }", ["weights"]),
        ("rule r match Conv2D as path where path { output = a8 }", ["path"]),
        ("rule r match Dense as units where units { output = a8 }", ["units"]),
        ("rule r match Dense as filters { output = a8 }", []),  # no Dense has such an attribute
        ("rule r match Dense as head -> ReLU as activation { output = a8 }", ["activation"]),
        ("pattern part = Conv2D\nrule r match part as strides { output = a8 }", ["strides"]),
        ("layer Mine as Conv2D\nrule r match Conv2D as Mine { output = a8 }", ["Mine"]),
        ("pattern Block = Dense\nrule r match Block { output = a8 }", []),
        ("pattern Softmax = Dense\nrule r match Softmax { output = a8 }", ["Softmax"]),
        ("target npu { op RELU { input = int8 } }\ndeploy edgetpu as npu", ["npu"]),
        ("target npu { op RELU { input = int8 } }\ndeploy npu as edge", []),
    ],
)
def test_names_that_mean_two_things(text, expected):
    assert [("QS905", name) for name in expected] == said(f"{STANDARD}{USES}{text}\n")


# ---- rules for every layer


@pytest.mark.parametrize(
    ("rules", "hidden"),
    [
        ("rule a match Dense { weights = w8_tensor }\nrule z match any { weights = w8 }", True),
        (
            "rule a match Dense -> ReLU as act { act.output = w8_tensor }\nrule z match any as each { output = a8 }",
            True,
        ),
        ('rule a match LSTM { weights["kernel"] = w8_tensor }\nrule z match any { weights = w8 }', True),
        ("rule a match Dense { weights = w8_tensor, input = a8 }\nrule z match any { weights = w8 }", False),
        ('rule a match LSTM { weights = w8_tensor }\nrule z match any { weights["kernel"] = w8 }', False),
        ("rule a match Dense { all = float }\nrule z match any { weights = w8, output = a8 }", False),
        ("rule a match Dense { weights = w8_tensor }\nrule z match any where params > 3 { weights = w8 }", False),
        ("rule a match any { weights = w8_tensor }\nrule z match Dense { weights = w8 }", False),
        ("rule a match any where params > 3 { output = float }\nrule z match any { output = a8 }", True),
    ],
)
def test_a_rule_for_every_layer_comes_before_its_exceptions(rules, hidden):
    assert [("QS312", "z")] * hidden == said(f"{STANDARD}{rules}\n")


def test_a_rule_that_is_wrong_in_part_may_have_the_effect_that_is_missed():
    narrow = "rule a match Dense { weights = w8_tensor, outptu = a8 }\n"

    assert [] == said(f"{STANDARD}{narrow}rule z match any {{ weights = w8 }}\n")


# ---- quantizers that are alike


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quantizer x { type = int8 }\nquantizer y { type = int8 }", ["y"]),
        ("quantizer x { type = int8 }\nquantizer y extends x {}", []),
        ("quantizer x { type = int8 }\nquantizer y extends x { scheme = asymmetric }", ["y"]),
        ("quantizer x { type = float16 }\nquantizer y { type = float16 }", ["y"]),
        ("quantizer x { range = ema(0.9) }\nquantizer y { range = ema(0.99) }", []),
        ("quantizer x { granularity = per_block(32) }\nquantizer y { granularity = per_block(64) }", []),
    ],
)
def test_quantizers_that_say_the_same(text, expected):
    rules = "rule a match Dense { weights = x }\nrule b match Conv2D { weights = y }\n"

    assert [("QS906", name) for name in expected] == said(f"{text}\n{rules}")


def test_of_two_files_the_main_one_can_be_changed():
    own = "quantizer mine { granularity = per_channel, narrow = true }\n"
    text = f"{own}{STANDARD}{USES}rule r match Dense {{ weights = mine }}\n"

    assert [("QS906", "mine")] == said(text)

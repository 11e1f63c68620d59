"""Specs as they come out: names resolved, imports in place, cascades merged."""

from dataclasses import fields

import pytest

from qspec.diagnostics import Severity
from qspec.schema import add_deploy, load, loads, shipped_target, shipped_targets, suppress
from qspec.schema.quantizer import Quantizer, Range


def loaded(text, **options):
    """The spec of a text without mistakes."""
    spec, diagnostics = loads("qspec 1\n" + text, **options)

    assert [] == [item.message for item in diagnostics]
    return spec


def attributes(quantizer):
    names = [field.name for field in fields(Quantizer) if field.compare and field.name not in ("name", "span")]
    return {name: getattr(quantizer, name) for name in names}


def test_standard_quantizers_are_those_of_the_8_bit_specification():
    spec = loaded('import "std/int8.qspec"\n')
    common = {"block_size": None, "range": Range(), "rounding": "half_away", "type": "int8"}
    w8 = {**common, "scheme": "symmetric", "granularity": "per_channel", "narrow": True}

    assert w8 == attributes(spec.quantizers["w8"])
    assert {**w8, "granularity": "per_tensor"} == attributes(spec.quantizers["w8_tensor"])
    a8 = {**common, "scheme": "asymmetric", "granularity": "per_tensor", "narrow": False}
    assert a8 == attributes(spec.quantizers["a8"])
    assert {"w8", "w8_tensor", "a8"} == spec.quantizers.keys()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", {"type": "int8", "scheme": "asymmetric", "granularity": "per_tensor"}),
        ("type = int16", {"type": "int16", "scheme": "symmetric"}),
        ("type = int32", {"type": "int32", "scheme": "symmetric"}),
        ("granularity = per_channel", {"granularity": "per_channel", "scheme": "symmetric"}),
        ("granularity = per_block(32)", {"granularity": "per_block", "block_size": 32}),
        ("range = fixed(-1, 2.5)", {"range": Range("fixed", (-1, 2.5))}),
        ("range = exact(1/256, -128)", {"range": Range("exact", (1 / 256, -128))}),
        ("range = percentile(99.9)", {"range": Range("percentile", (99.9,))}),
        ("range = ema(1 - 1/100)", {"range": Range("ema", (0.99,))}),
        ("type = float16", {"type": "float16"}),
    ],
)
def test_quantizer_attributes(body, expected):
    quantizer = loaded(f"quantizer q {{ {body} }}").quantizers["q"]

    assert expected == {name: getattr(quantizer, name) for name in expected}


def test_extends_changes_what_it_names_and_nothing_else():
    spec = loaded(
        "quantizer c extends b { range = mse }\n"
        "quantizer b extends a { type = int4 }\n"
        "quantizer a { type = int8, narrow = true, range = kl }\n"
    )

    assert ("int4", True, "mse") == (lambda q: (q.type, q.narrow, q.range.method))(spec.quantizers["c"])
    assert ("int4", True, "kl") == (lambda q: (q.type, q.narrow, q.range.method))(spec.quantizers["b"])


def test_per_block_is_left_for_another_granularity():
    spec = loaded("quantizer a { granularity = per_block(32) }\nquantizer b extends a { granularity = per_tensor }\n")

    assert ("per_tensor", None) == (spec.quantizers["b"].granularity, spec.quantizers["b"].block_size)


def test_amendments_have_the_text_as_their_name():
    spec = loaded(
        'import "std/int8.qspec"\nrule r match Dense { weights = w8(type = int4, granularity = per_tensor) }\n'
    )
    quantizer = spec.rules[0].assignments[0].quantizer

    assert ("int4", "per_tensor", True) == (quantizer.type, quantizer.granularity, quantizer.narrow)
    assert "w8(type = int4, granularity = per_tensor)" == quantizer.name
    assert "<string>:3:32" == str(quantizer.span)


def test_later_defaults_win_slot_by_slot_and_in_their_place():
    texts = {"shared.qspec": 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8_tensor, output = a8 }\n'}
    spec = loaded('import "shared.qspec"\ndefault { weights["kernel"] = w8, weights = w8 }\n', imports=texts)

    expected = [("output", "a8"), ('weights["kernel"]', "w8"), ("weights", "w8")]
    assert expected == [(str(item.slot), item.quantizer.name) for item in spec.default]


def test_rules_of_imports_stand_where_the_import_stands():
    texts = {"a.qspec": "qspec 1\nrule two match Dense { all = float }\n"}
    text = 'rule one match Dense { all = float }\nimport "a.qspec"\nrule three match Dense { all = float }\n'

    assert ["one", "two", "three"] == [rule.name for rule in loaded(text, imports=texts).rules]


def test_a_diamond_is_read_once(tmp_path):
    (tmp_path / "base.qspec").write_text("qspec 1\nrule base match Dense { all = float }\n")
    (tmp_path / "left.qspec").write_text('qspec 1\nimport "base.qspec"\n')
    (tmp_path / "right.qspec").write_text('qspec 1\nimport "./base.qspec"\n')
    main = tmp_path / "main.qspec"
    main.write_text('qspec 1\nimport "left.qspec"\nimport "right.qspec"\n')
    spec, diagnostics = load(main)

    assert () == diagnostics
    assert ["base"] == [rule.name for rule in spec.rules]


def test_a_cycle_shows_every_hop():
    texts = {"a.qspec": 'qspec 1\nimport "b.qspec"\n', "b.qspec": 'qspec 1\nimport "main.qspec"\n'}
    _, (diagnostic,) = loads('qspec 1\nimport "a.qspec"\n', path="main.qspec", imports=texts)

    assert "QS103" == diagnostic.code
    assert ["main.qspec:2:8", "a.qspec:2:8", "b.qspec:2:8"] == [str(span) for span, _ in diagnostic.related]


def test_folders_of_an_import_are_told_apart_by_slashes():
    _, (diagnostic,) = loads("qspec 1\nimport 'shared\\nowhere.qspec'\n", imports={})

    assert ("QS102", "<string>:2:8") == (diagnostic.code, str(diagnostic.span))
    assert "`/`" in diagnostic.help


@pytest.mark.parametrize("path", ['""', "''", '" "'])
def test_an_import_of_nothing_says_so(path):
    _, (diagnostic,) = loads(f"qspec 1\nimport {path}\ndefault {{ weights = w8 }}\n")

    assert ("QS102", "this import names no file") == (diagnostic.code, diagnostic.message)


def test_of_a_wrong_escape_in_an_import_nothing_else_is_told():
    _, (diagnostic,) = loads('qspec 1\nimport "sha\\qred.qspec"\ndefault { weights = w8 }\n')

    assert ("QS001", "<string>:2:12") == (diagnostic.code, str(diagnostic.span))


def test_an_import_without_quotes_that_leads_nowhere_is_both_mistakes():
    _, diagnostics = loads("qspec 1\nimport nowhere.qspec\n", imports={})

    assert ["QS001", "QS102"] == sorted(item.code for item in diagnostics)


def test_long_chains_of_imports_end():
    texts = {f"{number}.qspec": f'qspec 1\nimport "{number + 1}.qspec"\n' for number in range(500)}
    _, diagnostics = loads('qspec 1\nimport "0.qspec"\n', imports=texts)

    assert ["QS003"] == [item.code for item in diagnostics]


@pytest.mark.parametrize(
    "chain",
    [
        [f"quantizer q{number} extends q{number + 1} {{ }}" for number in range(2000)],
        [f"pattern p{number} = p{number + 1}" for number in range(2000)],
        [f"target t{number} on t{number + 1} {{ }}" for number in range(2000)],
    ],
    ids=["quantizers", "patterns", "targets"],
)
def test_long_chains_of_definitions_end(chain):
    spec, diagnostics = loads("qspec 1\n" + "\n".join(chain) + "\n")

    assert spec is not None
    assert "QS003" in {item.code for item in diagnostics}


def test_texts_in_place_of_files(tmp_path):
    (tmp_path / "shared.qspec").write_text('qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8 }\n')
    main = tmp_path / "main.qspec"
    main.write_text('qspec 1\nimport "shared.qspec"\nrule r match Dense { weights = w8_tensor }\n')
    spec, _ = load(main)
    (path, text), *rest = spec.sources.items()
    for file in tmp_path.iterdir():
        file.unlink()
    again, diagnostics = loads(text, path, dict(rest))

    assert () == diagnostics
    assert spec.sources == again.sources
    assert str(main) == again.path
    assert [rule.name for rule in spec.rules] == [rule.name for rule in again.rules]


def test_no_file_is_touched_when_texts_are_given(tmp_path):
    (tmp_path / "there.qspec").write_text("qspec 1\n")
    _, diagnostics = loads('qspec 1\nimport "there.qspec"\n', path=f"{tmp_path}/main.qspec", imports={})

    assert ["QS102"] == [item.code for item in diagnostics]


def test_a_name_defined_twice_shows_both_places():
    texts = {"a.qspec": "qspec 1\nquantizer q { }\n"}
    _, (diagnostic,) = loads('qspec 1\nimport "a.qspec"\nquantizer q { }\n', path="main.qspec", imports=texts)

    assert "main.qspec:3:11" == str(diagnostic.span)
    assert ["a.qspec:2:11"] == [str(span) for span, _ in diagnostic.related]


def test_captures_of_a_used_pattern_stand_under_its_name():
    spec = loaded(
        'import "std/int8.qspec"\n'
        "pattern block = Conv2D as conv -> ReLU? as act\n"
        "rule a match block as x { x.conv.weights = w8, x.output = a8 }\n"
        "rule b match block { conv.weights = w8 }\n"
    )

    assert [("x.conv", "weights"), ("x", "output")] == [(a.slot.part, a.slot.kind) for a in spec.rules[0].assignments]


SIX = {
    "rule wrong match Conv2d { output = a8 }": [],  # a class that no model has is for the model to tell
    "rule early match Dense { output = a8 }": [],
    "rule late match any { output = a8 }": [],
    "quantizer a4 extends a8 { type = int4 }": [],
    "rule undefined match Dense { weights = w9 }": ["QS101"],
    'import "missing.qspec"': ["QS102"],
    "rule unknown match Dense where name == logits { output = a8 }": ["QS205"],
}


@pytest.mark.parametrize("seed", range(20))
def test_mistakes_of_a_spec_are_reported_together(seed):
    import random

    lines = list(SIX)
    random.Random(seed).shuffle(lines)
    text = "\n".join(["qspec 1", 'import "std/int8.qspec"', *lines]) + "\n"
    expected = [(number, code) for number, line in enumerate(lines, 3) for code in SIX[line]]
    spec, diagnostics = loads(text)
    found = [(item.span.source.position(item.span.start)[0], item.code) for item in diagnostics]

    assert expected == found, f"seed {seed}"
    assert ["early", "late", "undefined", "wrong"] == sorted(rule.name for rule in spec.rules)


def test_a_deploy_is_added_with_default_options():
    spec = loaded("")
    added, diagnostics = add_deploy(spec, "edgetpu")

    assert () == diagnostics
    assert [("edgetpu", {"runtime": 14, "compiler": 16})] == [(item.name, dict(item.options)) for item in added.deploys]
    assert added == add_deploy(added, "edgetpu")[0]


def test_a_deploy_is_added_with_the_options_of_a_statement():
    spec = loaded('target b2 on tflm { option revision = "a" in ("a", "c") }\ndeploy b2 as board\n')
    added, diagnostics = add_deploy(spec, 'b2(revision = "c") as other')

    assert () == diagnostics
    assert [("board", {"revision": "a"}), ("other", {"revision": "c"})] == [
        (item.name, dict(item.options)) for item in added.deploys
    ]


@pytest.mark.parametrize("name", ["b2", "board"])
def test_a_target_that_is_deployed_is_not_deployed_again(name):
    spec = loaded("target b2 on tflm { }\ndeploy b2 as board\n")

    assert (spec, ()) == add_deploy(spec, name)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("edgetpu(runtme = 13)", "QS406"),
        ("edgetpu(runtime = 1000)", "QS406"),
        ("edgtpu(runtime = 13)", "QS405"),
        ("edgetpu(runtime = 13", "QS001"),
        ("edgetpu(runtime = 13)\nrequire size <= 3 B", "QS405"),
    ],
)
def test_options_that_make_no_sense_are_told(text, code):
    _, diagnostics = add_deploy(loaded(""), text)

    assert [code] == [item.code for item in diagnostics]
    assert all(item.help for item in diagnostics)


def test_an_unknown_target_is_offered_a_similar_one():
    spec = loaded("")
    same, (diagnostic,) = add_deploy(spec, "edgtpu")

    assert spec == same
    assert "QS405" == diagnostic.code
    assert "`edgetpu`" in diagnostic.help


@pytest.mark.parametrize("name", shipped_targets())
def test_shipped_targets_are_free_of_mistakes(name):
    target = shipped_target(name)

    assert name == target.name
    assert all(row.kinds and row.span.source.text for row in target.rows)
    assert len(target.rows) == len(list(target.rows)) > 10


def test_a_target_amends_what_it_extends():
    spec = loaded(
        "target base { option level = 1 in 1..3, memory.parameters = 1 KiB, memory.excess = 'is lost'\n"
        "  op ADD | MUL { input = int8 }\n  op SUB { input = int8 }\n  op any { require rank <= 4 }\n}\n"
        "target own extends base { without SUB, op MUL { input = int16 }, memory.parameters = 2 KB }\n"
        "deploy own(level = 3)\n"
    )
    own = spec.targets["own"]

    assert [("ADD",), ("any",), ("MUL",)] == [row.kinds for row in own.rows]
    assert "int16" == own.rows[-1].operands[0].types[0].type
    assert ({"parameters": 2000}, "is lost") == (own.memory, own.excess)
    assert {"level": 3} == spec.deploys[0].options


def test_operand_words():
    spec = loaded(
        "target t {\n"
        "  op X {\n"
        '    form a { input[1] = int8 symmetric per_channel(0) | uint8 per_tensor, unverified "why" }\n'
        "    constant bias = int32 scale(input * weights)\n"
        "    output = int8 scale(1/256) zero_point(-128)\n"
        '    when rank > 3 { require groups == 1 because "so" }\n'
        '    source "somewhere" read "2026-11"\n'
        "  }\n}\n"
    )
    (row,) = spec.targets["t"].rows
    first, second = row.forms[0].operands[0].types
    bias, output = row.operands

    assert ("input", 1, False) == (lambda o: (o.name, o.key, o.constant))(row.forms[0].operands[0])
    assert ("int8", "symmetric", "per_channel", 0) == (first.type, first.scheme, first.granularity, first.axis)
    assert ("uint8", None, "per_tensor", None) == (second.type, second.scheme, second.granularity, second.axis)
    assert (True, ("input", "weights")) == (bias.constant, bias.types[0].scale_of)
    assert (1 / 256, -128) == (output.types[0].scale, output.types[0].zero_point)
    assert "so" == row.groups[0].conditions[0].reason
    assert ("somewhere", "2026-11") == (row.sources[0].text, row.sources[0].read)
    assert "why" == row.forms[0].unverified


def test_suppression_comments_reach_rules_and_diagnostics():
    spec = loaded("# qspec: ignore[QS301]\nrule r match Dense { all = float }\n")

    assert {"QS301"} == spec.rules[0].suppressed
    assert ["QS902"] == [item.code for item in suppress(spec, ())]


def test_an_unknown_edition_is_one_error():
    spec, (diagnostic,) = loads("qspec 7\nrule what { ever\n")

    assert spec is None
    assert ("QS002", Severity.ERROR) == (diagnostic.code, diagnostic.severity)

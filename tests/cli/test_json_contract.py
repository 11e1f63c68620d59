"""The contract of `--format json`: what the commands print is what `qspec/diagnostics/output.schema.json` says.

The schema allows no field that it does not name, so a new one fails here until it is written down. `FINGERPRINTS` ties
each version of the contract to the schema's text, so that nobody changes the contract without deciding about
`qspec.diagnostics.json_format.VERSION`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as schema
from jsonschema import Draft202012Validator

from qspec._resources import resource
from qspec.cli import main
from qspec.diagnostics import Advice, Code, Edit, Fix, Source, Span, json_format
from qspec.graph.tflite_file import parse_tflite
from qspec.lint import check
from qspec.lint.files.check import check_file
from qspec.schema import load
from tests.diagnostics.page_files import PAGE_FILES
from tests.diagnostics.page_models import PAGE_MODELS
from tests.diagnostics.pages import blocks
from tests.graph.keras_configs import archive, small_model
from tests.graph.litert_files import packed, perceptron
from tests.lint.test_both_places import CASES, HEAD

PATH = Path(json_format.__file__).with_name("output.schema.json")
SCHEMA: dict[str, Any] = json.loads(PATH.read_text("utf-8"))
# A field that is new, and takes nothing from those there are: replace the fingerprint of the version.
# One that means something else or is gone: raise VERSION, and add a line.
FINGERPRINTS = {1: "5a0120db3563d679"}

GOOD = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\ndeploy nnapi(api = 30)\n'
TARGET = """\
target own on tflite {
  option cores = 1 in 1..4
  memory.parameters = 1 MiB
  refuse when rank > 6 because "six"
  op CONV_2D when cores > 1 {
    form small { input = int8, constant weights = int8 symmetric per_channel(0), output = int8, unverified }
    when stride_w > 1 { require input.rank == 4 because "images" }
    require stride_w == stride_h
    source "the data sheet" read "2026-11"
  }
  op any except ADD { input[0] = int8 | float32 }
}
deploy own(cores = 2)
"""


def wrong(document: Any, name: str) -> list[str]:
    """What the schema has against *document*, in the words of its definition *name*."""
    lone = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{name}"}
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(lone).iter_errors(document)]


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """Every schema of an object in *part* of the schema."""
    if isinstance(part, list):
        for item in part:
            yield from objects(item)
    elif isinstance(part, dict):
        if part.get("type") == "object":
            yield part
        for item in part.values():
            yield from objects(item)


def reports(folder: Path) -> Iterator[dict[str, Any]]:
    """What `check` says of many specs and files."""
    texts = [(block.text, block.words.get("model")) for block in blocks("qspec")]
    texts += [(HEAD + text, model) for _, model, text, _, _ in CASES.values()]
    for text, model in [*texts, (GOOD + TARGET, "small")]:
        (folder / "edge.qspec").write_text(text)
        spec, diagnostics = load(folder / "edge.qspec")
        if spec is not None:
            yield check(spec, PAGE_MODELS[model]() if model else None, diagnostics).to_dict()
    for name, make in PAGE_FILES.items():
        if name.endswith(".tflite"):
            yield check_file(parse_tflite(make(), name), targets=("edgetpu",)).to_dict()


def with_signature() -> bytes:
    """The perceptron, a signature for it, and a second graph."""
    made = perceptron()
    made.subgraphs.append(perceptron().subgraphs[0])
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serve", 0
    ends = [(made.subgraphs[0].inputs[0], "image"), (made.subgraphs[0].outputs[0], "result")]
    signature.inputs, signature.outputs = ([named_tensor(*end)] for end in ends)
    made.signatureDefs = [signature]
    return packed(made)


def named_tensor(index: int, name: str) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[dict[str, Any]]:
    return list(reports(tmp_path_factory.mktemp("corpus")))


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """`printed(arguments…)`: the JSON that a command prints."""
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "small.keras", small_model())
    (tmp_path / "good.qspec").write_text(GOOD)
    (tmp_path / "own.qspec").write_text(GOOD + TARGET)
    (tmp_path / "bad.qspec").write_text("qspec 1\nrule r match Dense { weights = w9 }\n")
    (tmp_path / "close.qspec").write_text(GOOD.split("\ndef")[0] + "\ndefault { weights = w8_tensr }\n")
    (tmp_path / "ruled.qspec").write_text(GOOD + "rule head match Dense { weights = w8_tensor }\n")
    (tmp_path / "edges.qspec").write_text(GOOD + "input { type = int8, range = fixed(0, 1) }\n")
    (tmp_path / "file.tflite").write_bytes(with_signature())

    def run(*arguments: str) -> Any:
        main([*arguments, "--format", "json"])
        return json.loads(capsys.readouterr().out)

    return run


COMMANDS = {
    "check": [
        ["check", "good.qspec"],
        ["check", "good.qspec", "own.qspec", "bad.qspec", "missing.qspec", "--model", "small.keras"],
        ["check", "file.tflite", "--target", "edgetpu"],
        ["check", "good.qspec", "--model", "file.tflite"],
    ],
    "explain": [
        ["explain", "good.qspec", "--model", "small.keras"],
        ["explain", "ruled.qspec", "--model", "small.keras", "--layer", "logits"],
        ["explain", "edges.qspec", "--model", "small.keras"],
    ],
    "codes": [["explain"], ["explain", "QS301"]],
    "inspect": [["inspect", "small.keras"], ["inspect", "file.tflite"]],
    "targets": [["targets"], ["targets", "edgetpu"], ["targets", "own.qspec", "--option", "cores=1"]],
    "failure": [["targets", "edgetpo"], ["inspect", "missing.tflite"]],
}


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, each) for name, many in COMMANDS.items() for each in many], ids=str
)
def test_what_a_command_prints_is_in_the_contract(printed, name, arguments):
    document = printed(*arguments)

    assert [] == wrong(document, name)
    assert Draft202012Validator(SCHEMA).is_valid(document)


def test_every_report_is_in_the_contract(corpus):
    assert len(corpus) > 100
    for document in corpus:
        assert [] == wrong(document, "check")


def test_fixes_and_offers_are_in_the_contract():
    source = Source("a.qspec", "qspec 1\n")
    fix = Fix("remove it", (Edit(Span(source, 0, 5), ""),))
    found = Code("QS901", "missing-edition").at(Span(source, 0, 5), "m", fix=fix)
    offered = Code("QS901", "missing-edition").at(Span(source, 0, 5), "m", help=Advice("m", (fix, "qspec")))
    document = json_format.document([found, offered])

    assert [] == wrong(document, "failure")
    assert [("remove it", []), (None, ["remove it", "write `qspec`"])] == [
        (item["fix"] and item["fix"]["title"], [offer["title"] for offer in item["offers"]])
        for item in document["diagnostics"]
    ]


def test_a_similar_name_is_offered_as_an_edit(printed):
    (item,) = [item for item in printed("check", "bad.qspec")["diagnostics"] if item["code"] == "QS101"]

    assert None is item["fix"]
    assert [] == item["offers"]  # nothing is defined that `w9` could be

    (item,) = printed("check", "close.qspec")["diagnostics"]
    place = {"path": "close.qspec", "start": {"line": 3, "column": 21}, "end": {"line": 3, "column": 29}}
    assert [{"title": "write `w8_tensor`", "edits": [{**place, "text": "w8_tensor"}]}] == item["offers"]


def test_a_field_that_nobody_announced_is_refused(corpus):
    document = json.loads(json.dumps(corpus[0]))
    document["extra"] = 1

    assert ["$: Additional properties are not allowed ('extra' was unexpected)"] == wrong(document, "check")


# ---- the schema itself


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_every_object_says_all_of_its_fields():
    for each in objects(SCHEMA):
        if isinstance(each.get("additionalProperties"), dict):
            continue  # by names that people choose
        assert each["additionalProperties"] is False
        assert set(each["required"]) <= set(each["properties"])


def test_every_definition_is_used():
    text = json.dumps(SCHEMA)

    assert [] == [name for name in SCHEMA["$defs"] if f'"#/$defs/{name}"' not in text]


def test_every_field_arises(corpus, printed):
    """Of what the schema names nothing has gone out of use."""
    arisen = {name: set() for name in SCHEMA["$defs"]}
    documents = [(name, printed(*each)) for name, many in COMMANDS.items() for each in many]
    documents += [("check", document) for document in corpus]
    for name, document in documents:
        note(document, SCHEMA["$defs"][name], name, arisen)

    unseen = {
        f"{name}.{field}"
        for name, part in SCHEMA["$defs"].items()
        for field in part.get("properties", {})
        if field not in arisen[name]
    }
    assert set() == unseen


def note(value: Any, part: dict[str, Any], name: str, arisen: dict[str, set[str]]) -> None:
    """Write down which fields of which definitions are in *value*, which *part* of the schema describes."""
    for each in (part, *part.get("anyOf", ())):
        if "$ref" in each:
            target = each["$ref"].removeprefix("#/$defs/")
            note(value, SCHEMA["$defs"][target], target, arisen)
        elif isinstance(value, list):
            for item in value:
                note(item, each.get("items", {}), name, arisen)
        elif isinstance(value, dict) and "properties" in each:
            arisen[name] |= set(value) if each is SCHEMA["$defs"].get(name) else set()
            for field, inner in value.items():
                note(inner, each["properties"].get(field, {}), name, arisen)


def test_the_contract_changes_with_a_decision_about_its_version():
    words = json.dumps(without_descriptions(SCHEMA), sort_keys=True)
    fingerprint = hashlib.sha256(words.encode()).hexdigest()[:16]

    assert max(FINGERPRINTS) == json_format.VERSION
    assert FINGERPRINTS[json_format.VERSION] == fingerprint
    assert {json_format.VERSION} == {
        part["properties"]["version"]["const"]
        for part in SCHEMA["$defs"].values()
        if "const" in part.get("properties", {}).get("version", {})
    }


def without_descriptions(part: Any) -> Any:
    if isinstance(part, list):
        return [without_descriptions(item) for item in part]
    if not isinstance(part, dict):
        return part
    # A field may be called so; a description is a text.
    return {
        key: without_descriptions(value)
        for key, value in part.items()
        if key != "description" or not isinstance(value, str)
    }


def test_the_manual_names_every_field_of_a_diagnostic_and_the_version():
    section = (resource("grammar") / "README.md").read_text("utf-8").split("### JSON\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]

    assert set(SCHEMA["$defs"]["diagnostic"]["properties"]) == {
        name for row in rows for name in re.findall(r"`(\w+)`", row)
    }
    assert f"The field `version`, now {json_format.VERSION}," in section

"""`qspec targets`: what is shipped, and every table in full."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qspec.cli.targets import Listed
from qspec.cli.targets_text import overview, table
from qspec.schema import shipped_target, shipped_targets
from qspec.schema.target import Condition, Form, Group, Row, TargetDefinition
from qspec.targets.scope import spelled
from qspec.targets.settled import settle
from tests.cli.command import Done, qspec
from tests.cli.test_start_up import FRAMEWORKS

OWN = """qspec 1
target small on tflite {
  title = "Small"
  option level = 1 in 1..3
  option mode = "slow" in ("slow", "fast")
  model { require inputs == 1 because "one input" }
  op ADD | MUL {
    form i8 { input = int8, output = int8 }
    form i4 {
      input[0] = int4, constant input[1] = int4, output = int8
      require level >= 2 because "level 2 brought it"
    }
    when mode == "fast" { require rank <= 4 because "fast is flat" }
    refuse when version > 3 or mode == "fast" and version > 2
    source "page 3" read "2026-11"
    unverified "hearsay"
  }
  op RELU when level == 3 { input = int8, output = int8 }
  op EXP { require false because "there is none" }
}
target large extends small { op RELU { input = int8, output = int8 } }
"""


def targets(*arguments: str | Path, cwd: Path, **environment: str) -> Done:
    return qspec("targets", *arguments, cwd=cwd, **environment)


def shipped(name: str) -> TargetDefinition:
    definition = shipped_target(name)
    assert definition is not None
    return definition


def listed(name: str, **options: int | float | str) -> Listed:
    return Listed(shipped(name), settle(shipped(name), options), options)


def flat(text: str) -> str:
    return " ".join(text.split())


def parts(part: Row | Form | Group) -> Iterator[Row | Form | Group]:
    yield part
    for inner in (*getattr(part, "forms", ()), *part.groups):
        yield from parts(inner)


def conditions(row: Row) -> Iterator[Condition]:
    for part in parts(row):
        yield from part.conditions


# ---- all of them


def test_every_shipped_target_is_listed_with_its_options(tmp_path: Path) -> None:
    done = targets(cwd=tmp_path)

    assert (0, "") == (done.code, done.err)
    for name in shipped_targets():
        definition = shipped(name)
        (line,) = (line for line in done.out.splitlines() if line.startswith(f"{name} "))
        assert definition.title.split()[0] in line
        assert all(f"{option} = " in done.out for option in definition.options)
    assert "runtime = 14 in 10..14; compiler = 16 in 15..16" in flat(done.out)
    assert 'variant = "u55" in ("u55", "u65", "u85")' in flat(done.out)
    assert "Android NNAPI, deprecated" in done.out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_width_is_respected(width: int) -> None:
    every = [listed(name) for name in shipped_targets()]
    lines = [*overview(every, width), *table(every, width)]

    # What no line is broken in: one long word, and what belongs together in an operand.
    assert [] == [line for line in lines if len(line) > width and len(line.split()) > 2 and "=" not in line]
    assert 0.97 < sum(len(line) <= width for line in lines) / len(lines)


# ---- one of them


@pytest.mark.parametrize("name", shipped_targets())
def test_nothing_that_a_table_says_is_left_out(name: str) -> None:
    one = listed(name)
    printed = flat("\n".join(table([one], 100)))

    for row in one.settled.taken:
        assert all(("every op" if kind == "any" else kind) in printed for kind in row.kinds)
        for condition in conditions(row):
            assert spelled(condition.condition) in printed
            assert flat(condition.reason) in printed
        for part in parts(row):
            for operand in part.operands:
                assert all(flat(words.type) in printed for words in operand.types)
            assert flat(getattr(part, "unverified", None) or "") in printed
        assert all(flat(source.text) in printed for source in row.sources)
    for row, reasons in one.settled.left:
        assert all(kind in printed for kind in row.kinds)
        assert all(flat(reason) in printed for reason in reasons)


def test_a_row_as_it_is_printed(tmp_path: Path) -> None:
    (tmp_path / "own.qspec").write_text(OWN)
    done = targets("own.qspec", cwd=tmp_path)

    assert 0 == done.code
    assert done.out.startswith(
        """\
small: Small
  host         tflite runs what the target does not take
  option       level = 1 in 1..3
  option       mode = "slow" in ("slow", "fast")

the model
  must         inputs == 1 (one input)

ADD, MUL
  i8           input = int8, output = int8
  i4           input[0] = int4, constant input[1] = int4, output = int8
    must       level >= 2 (level 2 brought it)
  refused      when version > 3 or mode == "fast" and version > 2
  when         mode == "fast":
    must       rank <= 4 (fast is flat)
  unverified   hearsay
  source       page 3 (read 2026-11)

RELU
  only when    level == 3
  takes        input = int8, output = int8

not taken
    EXP
    because    there is none

large
"""
    )


@pytest.mark.parametrize(
    ("options", "there", "gone"),
    [
        (("level=1",), ["RELU\n    because    only when level == 3"], ["i4 ", "level >= 2"]),
        (("level=2",), ["i4 "], ["level >= 2"]),
        (("level=3", "mode=fast"), ["\nRELU\n  takes", "\n  must       rank <= 4"], ["only when", "when         mode"]),
        (("mode=slow",), ["level >= 2", "only when", "refused when version > 3"], ["rank <= 4", "version > 2"]),
        (("mode=fast",), ['refused when version > 3 or mode == "fast" and version > 2'], []),
    ],
)
def test_options_decide_what_they_can(
    tmp_path: Path, options: tuple[str, ...], there: list[str], gone: list[str]
) -> None:
    (tmp_path / "own.qspec").write_text(OWN.split("target large")[0])
    done = targets("own.qspec", *(word for text in options for word in ("--option", text)), cwd=tmp_path)

    assert 0 == done.code
    assert [] == [text for text in there if flat(text) not in flat(done.out)]
    assert [] == [text for text in gone if flat(text) in flat(done.out)]


def test_an_older_edge_tpu_takes_less() -> None:
    newest, older = (set(listed("edgetpu", runtime=runtime).settled.ops) for runtime in (14, 12))

    # What CHANGES.md and the tables name for runtimes 13 and 14, without what published models show on 12.
    came = "EXPAND_DIMS PACK SUM TRANSPOSE_CONV PRELU TRANSPOSE REDUCE_MAX REDUCE_MIN RSQRT SQUARED_DIFFERENCE"
    assert set(came.split()) == newest - older
    assert older < newest


def test_as_data(tmp_path: Path) -> None:
    (tmp_path / "own.qspec").write_text(OWN)
    small, large = json.loads(targets("own.qspec", "--format", "json", cwd=tmp_path).out)["targets"]
    (first, *_) = small["rows"]

    assert ("small", "Small", "tflite", "any", None) == tuple(
        small[key] for key in ("name", "title", "host", "partition", "deprecated")
    )
    assert {"name": "level", "default": 1, "chosen": None, "values": None, "range": [1, 3]} == small["options"][0]
    assert (["ADD", "MUL", "RELU"], ["ADD", "MUL", "RELU"]) == (small["ops"], large["ops"])
    assert (["ADD", "MUL"], "hearsay", [{"text": "page 3", "read": "2026-11"}]) == (
        first["ops"],
        first["unverified"],
        first["sources"],
    )
    assert {"name": "input", "position": 1, "constant": True, "types": ["int4"]} == first["forms"][1]["operands"][1]
    assert [{"kind": "require", "condition": "level >= 2", "reason": "level 2 brought it"}] == (
        first["forms"][1]["conditions"]
    )
    assert 'mode == "fast"' == first["groups"][0]["when"]
    assert [["there is none"]] == [row["reasons"] for row in small["not_taken"]]
    overview_ = json.loads(targets("--format", "json", cwd=tmp_path).out)
    assert (1, list(shipped_targets())) == (overview_["version"], [one["name"] for one in overview_["targets"]])
    assert all("rows" not in one for one in overview_["targets"])


# ---- what people get wrong


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["edgtpu"], "QS405", "a target with a similar name exists: `edgetpu`"),
        (["nowhere.qspec"], "QS004", "`nowhere.qspec` does not exist"),
        (["empty.qspec"], "QS405", "the file defines no target"),
        (["edgetpu", "--option", "runtme=13"], "QS406", "an option with a similar name exists: `runtime`"),
        (["edgetpu", "--option", "runtime=9"], "QS406", "`runtime` goes from 10 to 14"),
        (["edgetpu", "--option", "runtime"], "QS406", "write `--option runtime=VALUE`: `runtime` goes from 10 to 14"),
        (["ethos_u", "--option", "variant=u56"], "QS406", "`variant` is "),
        (["ethos_u", "--option", 'variant="u56"'], "QS406", "`variant` is "),
        (["tflite", "--option", "x=1"], "QS406", "the target takes no options"),
        (["broken.qspec"], "QS101", "no op of LiteRT"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, arguments: list[str], code: str, message: str) -> None:
    (tmp_path / "empty.qspec").write_text("qspec 1\n")
    (tmp_path / "broken.qspec").write_text("qspec 1\ntarget t { op CONV2D { input = int8 } }\n")
    done = targets(*arguments, cwd=tmp_path)

    assert 1 == done.code
    assert f"[{code}]" in done.out
    assert message in done.out
    assert "Traceback" not in done.out + done.err


@pytest.mark.parametrize("value", ["u65", '"u65"', "'u65'"])
def test_a_text_is_chosen_with_or_without_quotes(tmp_path: Path, value: str) -> None:
    done = targets("ethos_u", "--option", f"variant={value}", cwd=tmp_path)

    assert (0, True) == (done.code, "; here u65" in done.out)


def test_no_framework_is_loaded() -> None:
    script = (
        "import sys; from qspec.cli import main; main(['targets', 'edgetpu']); print(*sys.modules, file=sys.stderr)"
    )
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stderr.split()

    assert "qspec.targets.settled" in modules
    assert set() == set(modules) & FRAMEWORKS


def test_what_becomes_of_more_parameters_than_fit_stands_beside_the_limit(tmp_path: Path) -> None:
    assert "parameters: 8 MiB; if there are more, the rest is brought in piece by piece" in flat(
        targets("edgetpu", cwd=tmp_path).out
    )
    data = json.loads(targets("edgetpu", "--format", "json", cwd=tmp_path).out)["targets"][0]
    assert ({"parameters": 8 * 2**20}, "the rest is brought in piece by piece") == (data["memory"], data["excess"])

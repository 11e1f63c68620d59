"""Mistakes that people make in their first specs: one error, at the right place, that says what to write."""

from __future__ import annotations

import pytest

from qspec.cli import main
from tests.cli.command import GOOD
from tests.graph.keras_configs import archive, small_model

IMPORT = 'qspec 1\nimport "std/int8.qspec"\n'
DEFAULT = "default { weights = w8, output = a8 }\n"


def check(capsys, tmp_path, text: str, *arguments: str) -> str:
    (tmp_path / "first.qspec").write_text(text)
    main(["check", str(tmp_path / "first.qspec"), *arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        (f'qspec 1\nimport "int8.qspec"\n{DEFAULT}', "2:8", "write `std/int8.qspec`"),
        (f'qspec 1\nimport "std/int8"\n{DEFAULT}', "2:8", "write `std/int8.qspec`"),
        ("qspec 1\nimport std/int8.qspec\n", "2:8", 'write `"std/int8.qspec"`'),
        (f"qspec 1\n{DEFAULT.replace(', output = a8', '')}", "2:21", 'import "std/int8.qspec"'),
        (f"{IMPORT}default {{ weights: w8, output = a8 }}\n", "3:18", "name = value"),
        (f"{IMPORT}default {{ weights = w8; output = a8 }}\n", "3:23", "end of its line"),
        (f"{IMPORT}default {{ weight = w8 }}\n", "3:11", "`weights`"),
        (f"{IMPORT}Default {{ weights = w8 }}\n", "3:1", "`default`"),
        (f"{IMPORT}rule match Dense {{ weights = w8 }}\n", "3:6", "write `rule NAME match …`"),
        (f"{IMPORT}rule my-head match Dense {{ weights = w8 }}\n", "3:8", "write `my_head`"),
        (f'{IMPORT}rule a match "conv" {{ weights = w8 }}\n', "3:14", 'write `any where name == "conv"`'),
        (f"{IMPORT}{DEFAULT}rule a match Conv2D, Dense {{ weights = w8 }}\n", "4:20", "write `Conv2D | Dense`"),
        (f"{IMPORT}{DEFAULT}rule a match Dense where index = -1 {{ weights = w8 }}\n", "4:32", "write `==`"),
        (f"{IMPORT}rule a match Dense where units > 3 && units < 9 {{ weights = w8 }}\n", "3:36", "write `and`"),
        (f"{IMPORT}rule a match Dense where 3 < units < 9 {{ weights = w8 }}\n", "3:36", "`1 < x and x < 3`"),
        (f"{IMPORT}rule a match Dense where activation == relu {{ weights = w8 }}\n", "3:40", 'write it in quotes'),
        (f"{IMPORT}input {{ type = uint8, range = (0, 255) }}\n", "3:31", "write `fixed(0, 255)`"),
        (f"{IMPORT}deploy edge_tpu\n", "3:8", "`edgetpu`"),
        (f"{IMPORT}deploy nnapi(api_level = 29)  # qspec: ignore[QS408]\n", "3:14", "`api`"),
        (f"{IMPORT}deploy edgetpu\ndeploy edgetpu(runtime = 12)\n", "4:8", "`deploy edgetpu(…) as NAME`"),
        (f"{IMPORT}quantizer w4 {{ bits = 4 }}\n", "3:16", "`type = int4`"),
        (f'qspec 1\nimport "std/int4.qspec"\n{DEFAULT}', "2:8", "`std/w4a8.qspec`"),
        (f"{IMPORT}deploy edgetpu as c\nrequire c.covrage == 1%\n", "4:9", "exists: `c.coverage`"),
        (f"{IMPORT}deploy edgetpu as c\nrequire c.macs == 1%\n", "4:9", "exists: `c.coverage.macs`"),
        (f"{IMPORT}deploy edgetpu as c\nrequire c.coverage.mac == 1%\n", "4:9", "exists: `c.coverage.macs`"),
        (f"{IMPORT}deploy edgetpu as c\nrequire coverage.mac == 1%\n", "4:9", "exists: `NAME.coverage.macs`"),
        (f"{IMPORT}default {{ weights = fp32 }}\n", "3:21", "`float` leaves"),
        (f"{IMPORT}default {{ weights = float16 }}\n", "3:21", "write `f16`"),
        (f"{IMPORT}default {{ kernel = w8 }}\n", "3:11", 'write `weights`, or `weights["kernel"]`'),
        (f"{IMPORT}default {{ weights = w8, activations = a8 }}\n", "3:25", "write `output`"),
        (f"{IMPORT}default {{ weights = w8(axis = 0) }}\n", "3:24", "write `granularity = per_channel`"),
        (f"{IMPORT}default {{ weights = w8(percentile = 99) }}\n", "3:24", "write `range = percentile(99.9)`"),
        (f"{IMPORT}default {{ weights = w8(granularity = per_axis) }}\n", "3:38", "write `per_channel`"),
        (f"{IMPORT}default {{ weights = w8(range = percentile(0.999)) }}\n", "3:32", "write `percentile(99.9)`"),
        (f"{IMPORT}input {{ mean = 127.5 }}\n", "3:9", "write `range = fixed(low, high)`"),
        (f"{IMPORT}deploy coral\n", "3:8", "write `edgetpu`"),
        (f"{IMPORT}deploy u55\n", "3:8", 'write `ethos_u(variant = "u55")`'),
        (f"{IMPORT}rule a match Dense where use_bias == True {{ weights = w8 }}\n", "3:38", "write `true`"),
        (f"{IMPORT}rule a match Dense where name != null {{ weights = w8 }}\n", "3:34", "write `none`"),
        (f'{IMPORT}rule a match any where name.startswith("a") {{ weights = w8 }}\n', "3:24", "write `name like"),
        (f'{IMPORT}{DEFAULT}rule a match Dense where layer.name == "a" {{ weights = w8 }}\n', "4:26", "one, `name`"),
        (f'{IMPORT}{DEFAULT}rule a match Dense where units == "32" {{ weights = w8 }}\n', "4:26", "without quotes: `"),
        (f"{IMPORT}{DEFAULT}rule a match Dense where units in (16) {{ weights = w8 }}\n", "4:36", "write `(16,)`"),
        (f"{IMPORT}{DEFAULT}rule a match Dense where use_bias == 0 {{ weights = w8 }}\n", "4:26", "`not use_bias`"),
        (f"{IMPORT}{DEFAULT}rule a match head {{ weights = w8 }}\n", "4:14", '`any where name == "head"`'),
        (f"{IMPORT}{DEFAULT}rule a match Dense {{ range = fixed(0, 1) }}\n", "4:22", "`weights = w8(range = …)`"),
        (f"{IMPORT}default {{ weights = int8 }}\n", "3:21", "quantizer my_int8 { type = int8 }"),
    ],
)  # fmt: skip
def test_a_first_mistake_is_one_error_with_what_to_write(capsys, tmp_path, text, place, advice):
    archive(tmp_path / "small.keras", small_model())
    out = check(capsys, tmp_path, text, "--model", str(tmp_path / "small.keras"))

    assert 1 == out.count("error[") == out.count("\nerror[") + out.startswith("error["), out
    assert f"first.qspec:{place}\n" in out
    (help_,) = [line for line in out.splitlines() if line.lstrip().startswith("= help: ")][:1]
    assert advice in help_
    assert out.endswith("\n1 error\n"), out


@pytest.mark.parametrize(("written", "meant"), [("unmatched_rule", "unmatched-rule"), ("QS3O1", "QS301")])
def test_a_code_in_a_comment_is_offered_its_name(capsys, tmp_path, written, meant):
    out = check(capsys, tmp_path, f"{IMPORT}{DEFAULT.strip()}  # qspec: ignore[{written}]\n")

    assert f"warning[QS902]: there is no code `{written}`\n" in out
    assert f"= help: write `{meant}`\n" in out


def test_no_placement_of_a_spec_that_could_not_be_read_whole(capsys, tmp_path):
    archive(tmp_path / "small.keras", small_model())
    model = ["--model", str(tmp_path / "small.keras")]

    assert "Coral Edge TPU" in check(capsys, tmp_path, GOOD + "deploy edgetpu\n", *model)
    assert "Coral Edge TPU" not in check(capsys, tmp_path, GOOD + "deploy edgetpu\nDefault { }\n", *model)

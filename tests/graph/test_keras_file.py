from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from qspec.diagnostics import SpecError
from qspec.graph.keras_file import read_keras_file
from tests.graph import damaged_archives
from tests.graph.keras_configs import archive, small_model

SEED = 20261123


def refusal(path: Path) -> Any:
    with pytest.raises(SpecError) as caught:
        read_keras_file(path)
    (diagnostic,) = caught.value.diagnostics
    assert str(path) == str(diagnostic.span)
    return diagnostic


def test_a_file_is_read(tmp_path: Path):
    graph = read_keras_file(archive(tmp_path / "small.keras", small_model()))

    assert ["image", "conv", "bn", "relu", "flatten", "logits"] == [call.layer.path for call in graph.calls]
    assert str(tmp_path / "small.keras") == graph.path


def test_a_compressed_file_and_one_without_metadata_are_read(tmp_path: Path):
    compressed = archive(tmp_path / "a.keras", small_model(), compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as file:
        file.writestr("config.json", json.dumps(small_model()))

    assert 6 == len(read_keras_file(compressed).calls) == len(read_keras_file(tmp_path / "b.keras").calls)


def test_no_framework_is_imported(tmp_path: Path):
    path = archive(tmp_path / "small.keras", small_model())
    script = (
        "import sys; from qspec.graph.keras_file import read_keras_file; from qspec.lowering import lower;"
        f"lower(read_keras_file({str(path)!r}));"
        "print({'keras', 'tensorflow', 'numpy', 'pydantic'} & set(sys.modules))"
    )

    assert "set()\n" == subprocess.check_output([sys.executable, "-c", script], text=True)


def test_other_files_are_named_for_what_they_are(tmp_path: Path):
    cases: list[tuple[bytes, str, str]] = [
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5", "QS505"),
        (bytes(4) + b"TFL3" + bytes(100), "LiteRT", "QS501"),
        (b'{"class_name": "Functional"}', "JSON", "QS501"),
        (b"", "no zip archive", "QS501"),
        (b"not a model", "no zip archive", "QS501"),
        (b"PK\x03\x04 and nothing", "damaged or cut off", "QS501"),
    ]
    for number, (content, words, code) in enumerate(cases):
        path = tmp_path / f"{number}.keras"
        path.write_bytes(content)
        diagnostic = refusal(path)
        assert words in diagnostic.message
        assert code == diagnostic.code


def test_what_is_no_file_is_refused(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").touch()

    assert "there is no such file" in refusal(tmp_path / "missing.keras").message
    assert "there is no such file" in refusal(archive(tmp_path / "a.keras", small_model()) / "inside").message
    assert f"a file with a similar name exists: `{tmp_path / 'a.keras'}`" == refusal(tmp_path / "a.kears").help
    assert "" == refusal(tmp_path / "other.h5").help
    assert "a folder" in refusal(tmp_path / "folder").message
    saved = refusal(tmp_path / "saved")
    assert "SavedModel" in saved.message
    assert "QS505" == saved.code
    assert "cannot be opened" in refusal(tmp_path / "null\0byte").message
    assert "not a file" in refusal(Path("/dev/null")).message


def test_a_model_of_keras_2_is_refused(tmp_path: Path):
    diagnostic = refusal(archive(tmp_path / "old.keras", small_model(), {"keras_version": "2.15.0"}))

    assert "QS505" == diagnostic.code
    assert "Keras 2.15.0" in diagnostic.message
    assert "save it" in diagnostic.help


@pytest.mark.parametrize("metadata", [{"keras_version": 3}, {"other": 1}, ["3"], {"keras_version": "new"}])
def test_metadata_of_a_wrong_structure_is_refused(tmp_path: Path, metadata: Any):
    assert refusal(archive(tmp_path / "m.keras", small_model(), metadata)).message.startswith("metadata.json: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": \n 1 2}', "config.json:2:4: not JSON"),
        (b"\xff\xfe", "config.json: not UTF-8 at byte 0"),
        (b"[" * 100_000, "config.json: nested too deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "config.json: a number of too many digits"),
        (b'{"a": NaN}', "config.json: a number of too many digits, or not a number"),
        (b"[]", "config.json: expected an object, found an array"),
        (b"{}", "config.json: `class_name` is missing"),
        (b"[" + b"0," * 1_100_000 + b"0]", "config.json: more than 1000000 values"),
        (b" " * (17 * 2**20), "config.json: larger than 16 MiB"),
    ],
)
def test_a_config_that_is_no_model_says_where(tmp_path: Path, content: bytes, message: str):
    assert message in refusal(archive(tmp_path / "m.keras", content)).message


def test_an_archive_without_a_config_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        file.writestr("metadata.json", '{"keras_version": "3.1.0"}')

    assert "no `config.json`" in refusal(tmp_path / "m.keras").message


_CHILD = """
import json, resource, sys, time
from qspec.diagnostics import SpecError
from qspec.graph.keras_file import read_keras_file
from qspec.lowering import lower
resource.setrlimit(resource.RLIMIT_AS, (500_000_000, 500_000_000))
for path in json.load(sys.stdin):
    start = time.perf_counter()
    try:
        diagnostics = lower(read_keras_file(path))[1]
    except SpecError as error:
        diagnostics = error.diagnostics
    messages = [(str(diagnostic.span), diagnostic.message, diagnostic.severity.value) for diagnostic in diagnostics]
    print(json.dumps([path, time.perf_counter() - start, messages]), flush=True)
"""


def test_fifty_damaged_files_end_in_time_in_little_memory_and_with_a_clear_error(tmp_path: Path):
    print("seed", SEED)
    files = damaged_archives.write_all(tmp_path, SEED)
    assert 50 == len(files)
    child = subprocess.run(
        [sys.executable, "-c", _CHILD], input=json.dumps([str(file) for file in files]), capture_output=True, text=True
    )

    assert "" == child.stderr
    results = [json.loads(line) for line in child.stdout.splitlines()]
    assert [str(file) for file in files] == [path for path, _, _ in results]
    accepted = []
    for path, seconds, messages in results:
        assert seconds < 5, path
        assert all(path == span and message and severity == "error" for span, message, severity in messages), path
        if not messages:
            accepted.append(Path(path).stem)
    # A byte may be flipped, or a value replaced, where nobody reads it.
    assert {name.rsplit("_", 1)[0] for name in accepted} <= {"flipped", "replaced"}
    assert len(accepted) <= 5, accepted

"""The rooms of the house: who may import whom, and who may import what is heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import qspec

PACKAGE = Path(qspec.__file__).parent

# Every room and the rooms it may import, besides itself. No cycle is possible: each names only rooms above it here.
ROOMS: dict[str, set[str]] = {"diagnostics": set(), "numerics": set()}
ROOMS["syntax"] = {"diagnostics"}
ROOMS["schema"] = {"diagnostics", "syntax"}
ROOMS["graph"] = {"diagnostics"}
ROOMS["lowering"] = {"diagnostics", "graph"}
ROOMS["targets"] = {"diagnostics", "syntax", "schema", "graph"}
ROOMS["plan"] = {"diagnostics", "syntax", "schema", "graph", "lowering", "targets"}
ROOMS["lint"] = ROOMS["plan"] | {"plan"}
ROOMS["litert"] = ROOMS["plan"] | {"plan", "numerics"}
ROOMS["keras"] = set(ROOMS)
ROOMS["server"] = set(ROOMS) - {"keras"} | {"_check"}
ROOMS["cli"] = set(ROOMS)
# The largest room has rooms of its own; what stands beside them may import all of them.
KERAS_ROOMS = ("reading", "kernels", "execution", "quantized_model")
# Modules outside the rooms: `_resources` serves everybody, the rest is the public surface on top.
SERVICES = {"_resources"}
SURFACE = {"__init__", "__main__", "_check", "pygments_lexer"}

# Who may import what is heavy or confined, and whether only inside a function.
MODULE_LEVEL = {
    "lark": {"syntax"},
    "pydantic": {"schema"},
    "numpy": {"numerics", "litert", "keras"},
    "keras": {"keras"},
    "tensorflow": {"keras"},
    "pygls": {"server"},
    "lsprotocol": {"server"},
    "pygments": {"pygments_lexer"},
}
INSIDE_FUNCTIONS = {
    "numpy": {"cli"},
    "pygls": {"cli"},
    "lsprotocol": {"cli"},
    "ai_edge_litert": {"litert", "keras"},
    "flatbuffers": {"litert"},
}
# The demo is a user's script: it builds, trains and runs models of its own.
DEMO = {"keras", "tensorflow", "ai_edge_litert", "sklearn", "numpy"}
CONFINED = {*MODULE_LEVEL, *INSIDE_FUNCTIONS, *DEMO}


@dataclass(frozen=True)
class Import:
    """`import name` in a module of a room, at module level or inside a function."""

    module: Path
    room: str
    name: str
    inside: bool
    line: int

    def __str__(self) -> str:
        return f"qspec/{self.module}:{self.line} imports {self.name}"


def imports() -> Iterator[Import]:
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE)
        room = module.parts[0] if len(module.parts) > 1 else module.stem
        yield from imports_of(module, room, ast.parse(path.read_text("utf-8")), inside=False)


def imports_of(module: Path, room: str, node: ast.AST, inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for name in imported_names(child):
            yield Import(module, room, name, inside, child.lineno)
        # What stands under `if TYPE_CHECKING` is never run, so it is as good as inside a function.
        deeper = isinstance(child, ast.FunctionDef | ast.Lambda) or is_for_type_checking(child)
        yield from imports_of(module, room, child, inside or deeper)


def is_for_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported_names(node: ast.AST) -> list[str]:
    """Absolute names; `from qspec import x` is `qspec.x`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"qspec.{alias.name}" for alias in node.names] if node.module == "qspec" else [str(node.module)]
    return []


IMPORTS = tuple(imports())


def test_every_room_is_known():
    found = {item.name for item in PACKAGE.iterdir() if item.is_dir() and any(item.rglob("*.py"))}

    assert set(ROOMS) == found
    assert SERVICES | SURFACE == {item.stem for item in PACKAGE.glob("*.py")}


def test_a_lower_room_never_imports_a_higher_one():
    wrong = []
    for item in IMPORTS:
        if not item.name.startswith("qspec.") or item.room in SURFACE or item.module.parts[0] == "cli":
            continue
        target = item.name.split(".")[1]
        if target not in {item.room, *SERVICES, *ROOMS.get(item.room, set())}:
            wrong.append(str(item))

    assert [] == wrong


def test_so_it_is_inside_the_keras_room():
    wrong = []
    for item in IMPORTS:
        if item.room != "keras" or len(item.module.parts) < 3 or not item.name.startswith("qspec.keras."):
            continue
        inner, target = item.module.parts[1], item.name.split(".")[2]
        if target not in KERAS_ROOMS[: KERAS_ROOMS.index(inner) + 1]:
            wrong.append(str(item))

    assert [] == wrong
    assert set(KERAS_ROOMS) == {path.parent.name for path in PACKAGE.glob("keras/*/__init__.py")}


def test_heavy_packages_stay_where_they_belong():
    wrong = []
    for item in IMPORTS:
        package = item.name.split(".")[0]
        if package not in CONFINED:
            continue
        allowed = MODULE_LEVEL.get(package, set()) | (INSIDE_FUNCTIONS.get(package, set()) if item.inside else set())
        is_demo = item.module.match("cli/demo*.py") and item.inside and package in DEMO
        if item.room not in allowed and not is_demo:
            wrong.append(str(item))

    assert [] == wrong


@pytest.mark.parametrize("module", ["qspec", "qspec.cli"])
def test_the_light_path_imports_nothing_heavy(module):
    heavy = {"keras", "tensorflow", "ai_edge_litert", "numpy", "sklearn", "pygls", "lsprotocol", "pygments"}
    script = f"import {module}, sys; print(sorted({heavy!r} & set(sys.modules)))"

    assert "[]\n" == subprocess.check_output([sys.executable, "-c", script], text=True)

"""The wheel, installed away from the checkout, brings what the package reads: grammar, shipped specs, type marker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import qspec

CHECKOUT = Path(__file__).parents[2]
# Lists what is found, from inside the installed package.
SCRIPT = """
import json
from importlib.metadata import entry_points, version
from pathlib import Path
import qspec
from qspec._resources import resource

package = Path(qspec.__file__).parent
print(json.dumps({
    "package": str(package),
    "versions": [qspec.__version__, version("qspec")],
    "typed": (package / "py.typed").is_file(),
    "files": {
        name: {str(file.relative_to(resource(name))): file.read_text("utf-8") for file in resource(name).rglob("*.*")}
        for name in ("grammar", "specs")
    },
    "resources": [str(resource(name)) for name in ("grammar", "specs")],
    "commands": [entry.value for entry in entry_points(group="console_scripts", name="qspec")],
    "lexers": [entry.value for entry in entry_points(group="pygments.lexers", name="qspec")],
}))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output; a failure shows everything that the command printed."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT, cwd=folder)
    (wheel,) = folder.glob("qspec-*.whl")
    site = folder / "site"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(*pip, "--target", site, wheel, cwd=folder)
    return site


def shipped(name: str) -> dict[str, str]:
    """The files of one of the checkout's folders, with their texts; the VS Code extension is a package of its own."""
    folder = CHECKOUT / name
    files = (file for file in folder.rglob("*.*") if "vscode" not in file.relative_to(folder).parts)
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in files}


def test_the_wheel_is_whole(installed: Path, tmp_path: Path):
    found = json.loads(run(sys.executable, "-c", SCRIPT, cwd=tmp_path, PYTHONPATH=str(installed)))

    assert str(installed / "qspec") == found["package"]
    assert [qspec.__version__] * 2 == found["versions"]
    assert found["typed"]
    assert {"grammar": shipped("grammar"), "specs": shipped("specs")} == found["files"]
    assert [str(installed / "qspec" / name) for name in ("grammar", "specs")] == found["resources"]
    assert ["qspec.cli:main"] == found["commands"]
    assert ["qspec.pygments_lexer:QspecLexer"] == found["lexers"]
    assert "qspec.lark" in found["files"]["grammar"]


def test_the_installed_command_checks_a_shipped_spec(installed: Path, tmp_path: Path):
    spec = installed / "qspec" / "specs" / "examples" / "digits.qspec"
    run(sys.executable, "-m", "qspec", "check", spec, cwd=tmp_path, PYTHONPATH=str(installed))


def test_the_installed_command_has_the_pages_of_codes_and_the_contract_of_its_output(installed: Path, tmp_path: Path):
    out = run(sys.executable, "-m", "qspec", "explain", "QS301", cwd=tmp_path, PYTHONPATH=str(installed))
    folder = Path("qspec", "diagnostics")

    assert out.startswith("QS301 unmatched-rule (warning)\n\nA rule matches no layer of the model.")
    for name in ("output.schema.json", *(f"pages/{page.name}" for page in (CHECKOUT / folder / "pages").iterdir())):
        assert (CHECKOUT / folder / name).read_bytes() == (installed / folder / name).read_bytes()


def test_only_the_package_is_installed_at_top_level(installed: Path):
    names = {item.name.split("-")[0] for item in installed.iterdir()} - {"bin"}

    assert {"qspec"} == names

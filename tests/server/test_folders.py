"""Which specs of a folder are looked at."""

from __future__ import annotations

from pathlib import Path

from qspec.server import folders
from qspec.server.folders import specs_naming


def written(path: Path, text: str = "quantizer base { type = int8 }") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def found(*tops: Path, words: tuple[str, ...] = ("base",)) -> list[str]:
    return [source.path for source in specs_naming(words, map(str, tops))]


def test_specs_with_a_word_in_them(tmp_path):
    here = written(tmp_path / "a.qspec")
    below = written(tmp_path / "deep" / "down" / "b.qspec", "rule base match any {}")
    written(tmp_path / "c.qspec", "quantizer other { type = int8 }")
    written(tmp_path / "base.txt")

    assert [str(here), str(below)] == found(tmp_path)
    assert [str(below)] == found(tmp_path, words=("rule", ""))
    assert [] == found(tmp_path, words=("",))


def test_what_is_hidden_or_installed_is_nobodys_own(tmp_path):
    for folder in (".git", "node_modules", "env", "lib/site-packages"):
        written(tmp_path / folder / "a.qspec")
    written(tmp_path / "env" / "pyvenv.cfg")

    assert [] == found(tmp_path)


def test_each_once_and_none_that_cannot_be_read(tmp_path):
    own = written(tmp_path / "one" / "a.qspec")
    (tmp_path / "one" / "bad.qspec").write_bytes(b"base \xff")
    (tmp_path / "one" / "gone.qspec").symlink_to(tmp_path / "nowhere.qspec")
    (tmp_path / "one" / "same.qspec").symlink_to(own)

    assert [str(own)] == found(tmp_path, tmp_path / "one")


def test_a_whole_disk_is_not_looked_through(tmp_path, monkeypatch):
    for number in range(4):
        written(tmp_path / str(number) / "a.qspec")
    monkeypatch.setattr(folders, "MOST_FOLDERS", 3)

    assert 2 == len(found(tmp_path))

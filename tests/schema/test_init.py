"""`init`: what it writes runs at once, from anywhere, and is never written over."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli import main
from bench.schemas.forms import schema
from bench.yaml_source import load


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


def test_what_is_written_runs_at_once_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("init", "my bench")
    assert done.exit_code == 0, done.output
    last = done.stdout.splitlines()[-1]
    command = shlex.split(last.removeprefix("next:"))
    assert command[0] == "smets1-bench"
    assert run(*command[1:], "--out", "here").exit_code == 0, "as it says, from where it was said"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    suite, station = tmp_path / "my bench" / "suite.yaml", tmp_path / "my bench" / "station.yaml"
    ran = run("run", suite, "--station", station, "--out", "there")
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "elsewhere" / "there" / "report.html").is_file()
    assert run("doctor", station).exit_code == 0


def test_each_file_names_a_schema_that_is_there(tmp_path: Path) -> None:
    run("init", tmp_path / "b")
    files = sorted((tmp_path / "b").glob("*.yaml"))
    assert [path.name for path in files] == ["my-meter.yaml", "station.yaml", "suite.yaml"]
    for path in files:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        kind = Path(named).name.removesuffix(".schema.json")
        assert json.loads((tmp_path / "b" / named).read_text("utf-8")) == schema(kind)
        assert load(path).data


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    mine = folder / "station.yaml"
    mine.write_text("mine", encoding="utf-8")
    done = run("init", folder)
    assert done.exit_code == 2
    assert f"error: {mine}: exists already" in done.stderr
    assert "nothing was written" in done.stderr
    assert mine.read_text("utf-8") == "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["station.yaml"]


@pytest.mark.parametrize(("where", "code"), [("file/b", 2), ("file", 2), ("file" * 100, 4)])
def test_a_folder_that_cannot_be_made(where: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("init", tmp_path / where)
    assert done.exit_code == code
    assert "Traceback" not in done.output
    assert str(tmp_path / "file") in done.stderr
    assert "hint: name a " in done.stderr

"""`resume` of a run that was killed, after something has moved: exit 2 and a reason."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bench
from bench.cli import main
from bench.errors import ExitCode, UsageError
from bench.evidence.checkpoints import read_checkpoints
from bench.evidence.contents import CHECKPOINTS, RESULT, TRACE
from bench.evidence.signing import new_key, read_private_key, store_key
from bench.journal.run_head import Ordered, RunHead, refuse_if_moved
from bench.shipped import fixtures
from tests.e2e.bench_on_ports import hosted, lay_out
from tests.journal.lineage import OVERLAY, ROTATION, STORIES

LINE_FAULT = "{fault: duplicated, target: display, request: identify, times: 2}"
SUITE = ROTATION.replace("    parties:", f"    faults: [{LINE_FAULT}]\n    parties:", 1)
WRITES = 60
KILLED = f"""
from tests.journal.lineage import die_after
from bench.cli import main
die_after({WRITES})
main()
"""
PATCHED = (sys.executable, "-c", "from bench.cli import main; main()")
RUN = ("run", "suite.yaml", "--station", "bench.yaml", "--overlay", "overlay.yaml")
OPTIONS = ("--tolerance", "500ms", "--out", "run", "--key", "keys/signing-key.pem")
BOARDS = ("electricity", "gas", "hub", "display", "relay-board")
FILES = ("suite.yaml", "bench.yaml")
FAULT = ("--fault", STORIES["rotation"].fault)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was killed in the middle; its devices have ended since."""
    folder = tmp_path_factory.mktemp("moved")
    lay_out(folder)
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (folder / "overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    for name in ("keys", "other-keys"):
        (folder / name).mkdir()
        store_key(new_key(), folder / name)
    with hosted(folder, "--state", "state.json", *FAULT):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *RUN, *OPTIONS],
            cwd=folder,
            env=_environment(folder, str(Path.cwd())),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return folder


def _environment(folder: Path, path: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": path, "SMETS1_BENCH_LOCK_DIR": str(folder)}


@pytest.fixture
def stopped(killed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with a copy of the run's folder."""
    monkeypatch.chdir(killed)  # and back again, wherever `resume` goes
    monkeypatch.setenv("SMETS1_BENCH_LOCK_DIR", str(tmp_path))
    shutil.copytree(killed / "run", tmp_path / "run")
    return tmp_path / "run"


def resume(run: Path, *words: str, key: str = "keys") -> Result:
    given = ("--key", f"{key}/signing-key.pem") if key else ()
    return CliRunner().invoke(main, ["resume", str(run), *given, *words])


def refused(result: Result, *said: str) -> None:
    assert result.exit_code == ExitCode.USAGE, result.output
    for each in said:
        assert each in result.output
    assert "hint: " in result.output


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("suite.yaml", "wake-wait: 100ms", "wake-wait: 200ms", "the scenario rotation has changed"),
        ("suite.yaml", "outcome: commissioned", "outcome: failed", "the scenario rotation has"),
        ("suite.yaml", "scenario: rotation", "scenario: another", "the scenario rotation has"),
        ("overlay.yaml", "interval: {value: 1s", "interval: {value: 2s", "the strategy "),
        ("bench.yaml", "operator: K. Example", "operator: J. Example", "the station file has"),
        ("bench.yaml", "model: EM-1", "model: EM-2", "the station file has changed"),
        ("electricity.yaml", "reply-timeout: 2s", "reply-timeout: 3s", "the profile "),
    ],
)
def test_a_file_that_was_edited(
    stopped: Path, killed: Path, file: str, before: str, after: str, said: str
) -> None:
    path = killed / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    try:
        path.write_text(text.replace(before, after), encoding="utf-8")
        refused(resume(stopped), f"cannot be resumed: {said}", "put back what it was")
    finally:
        path.write_text(text, encoding="utf-8")


def test_everything_that_has_moved_is_said_at_once(stopped: Path, killed: Path) -> None:
    texts = {name: (killed / name).read_text(encoding="utf-8") for name in FILES}
    try:
        for name, text in texts.items():
            moved = text.replace("300ms", "400ms").replace("K. Example", "J. Example")
            (killed / name).write_text(moved, encoding="utf-8")
        refused(
            resume(stopped), "the station file has changed", "the scenario rotation has changed"
        )
    finally:
        for name, text in texts.items():
            (killed / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_gone(stopped: Path, killed: Path, file: str) -> None:
    path = killed / file
    text = path.read_text(encoding="utf-8")
    try:
        path.unlink()
        refused(
            resume(stopped),
            f"{file}: no such file, and the run was begun with it in {killed}",
            "hint: put it back there, as it was",
        )
    finally:
        path.write_text(text, encoding="utf-8")


def test_of_many_that_have_moved_ten_are_named() -> None:
    ordered = Ordered("", "", "", "", 1, (), None, None, None, 0)
    then = RunHead(ordered, "one", "", {}, {f"s{n}": "" for n in range(99)}, {}, "", "")
    with pytest.raises(UsageError) as caught:
        refuse_if_moved(then, replace(then, process="another", scenarios={}))
    said = [str(problem) for problem in caught.value.problems]
    assert said[0].startswith("cannot be resumed: the process definition")
    assert said[9:] == [
        "cannot be resumed: the scenario s8 has changed",
        "cannot be resumed: and 90 more have changed",
    ]


def resume_with(package: Path, run: Path, folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*PATCHED, "resume", str(run), "--key", "keys/signing-key.pem"],
        cwd=folder,
        env=_environment(run.parent, str(package)),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_process_that_was_patched(stopped: Path, killed: Path, tmp_path: Path) -> None:
    """The bench itself, another copy of it: its process is another, or only its report."""
    (origin,) = bench.__path__
    package = tmp_path / "patched"
    shutil.copytree(origin, package / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "fixtures").symlink_to(fixtures())
    report = package / "bench" / "report" / "render.py"
    report.write_text(report.read_text(encoding="utf-8") + "# patched\n", encoding="utf-8")
    _, said = resume_with(package, stopped, killed)
    assert "process definition" not in said
    process = package / "bench" / "migration" / "process.py"
    process.write_text(process.read_text(encoding="utf-8") + "# patched\n", encoding="utf-8")
    code, said = resume_with(package, stopped, killed)
    assert code == ExitCode.USAGE, said
    assert "cannot be resumed: the process definition (bench.migration, " in said


def test_the_signing_key_is_asked_for_and_must_be_the_same(stopped: Path) -> None:
    refused(resume(stopped, key=""), "the run signs its checkpoints with the key sha256:", "--key")
    refused(resume(stopped, key="other-keys"), "expected the key sha256:", "--unsigned")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("A0-77-01", "A0-77-11", "electricity was 70-B3-D5-1F-30-A0-77-01 and does not accept"),
        (
            "A0-77-08",
            "A0-77-18",
            "hub: identify: wrong device: expected 70-B3-D5-1F-30-A0-77-08, got",
        ),
        ("model: GM-1", "model: GM-1\n      firmware: 9.9.9", "another device answers: gas: "),
    ],
)
def test_another_device(stopped: Path, killed: Path, before: str, after: str, said: str) -> None:
    other = stopped.parent / "other"
    shutil.copytree(killed, other, ignore=shutil.ignore_patterns("run", "keys", *BOARDS))
    station = other / "bench.yaml"
    text = station.read_text(encoding="utf-8")
    assert before in text
    station.write_text(text.replace(before, after), encoding="utf-8")
    kept = [(killed / "run" / name).read_bytes() for name in (TRACE, CHECKPOINTS)]
    with hosted(other):
        refused(resume(stopped), f"cannot be resumed: {said}")
    assert [(stopped / name).read_bytes() for name in (TRACE, CHECKPOINTS)] == kept


def test_a_meter_whose_key_somebody_else_has_changed(stopped: Path, killed: Path) -> None:
    state = stopped.parent / "state.json"
    held = json.loads((killed / "state.json").read_text(encoding="utf-8"))
    held["devices"]["gas"]["meter"]["keys"]["slots"]["SUA"]["key"] = "00" * 16
    state.write_text(json.dumps(held), encoding="utf-8")
    state.chmod(0o600)
    with hosted(killed, "--state", str(state)):
        refused(resume(stopped), "cannot be resumed: gas holds none of the run's keys (")


def test_where_nothing_has_moved_it_goes_on(stopped: Path, killed: Path) -> None:
    """But for a fault on the line of a real device: it is not armed again, and nothing passes."""
    state = stopped.parent / "state.json"
    shutil.copy(killed / "state.json", state)
    with hosted(killed, "--state", str(state)):
        result = resume(stopped)
    assert result.exit_code == ExitCode.INCONCLUSIVE, result.output
    (scenario,) = json.loads((stopped / RESULT).read_text(encoding="utf-8"))["scenarios"]
    assert (scenario["verdict"], scenario["outcome"]) == ("inconclusive", "commissioned")
    assert scenario["unknown"][0] == (
        "fault duplicated at display: expected to lie in wait all along, it was not armed "
        "again when the run was taken up"
    )
    signer = read_private_key(killed / "keys" / "signing-key.pem").verifier
    checkpoints = read_checkpoints((stopped / CHECKPOINTS).read_bytes())
    assert checkpoints is not None
    assert checkpoints[-1].last
    assert all(each.signed_by(signer) for each in checkpoints)

"""What a run keeps of what it read, and the checkpoints it writes on its way."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bench.evidence.chain import heads
from bench.evidence.checkpoints import off_trace, read_checkpoints
from bench.evidence.inputs import InputCopies
from bench.evidence.recording import LINES, SPAN, Recording
from bench.shipped import find
from bench.trace import Opened, to_json
from bench.units import MINUTE, Micros
from bench.yaml_source import load
from tests.evidence.runs import SIGNER


def copies(folder: Path, inputs: InputCopies) -> dict[str, bytes]:
    inputs.store(folder)
    place = folder / "inputs"
    found = (path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}


def test_copies_of_the_very_bytes_that_were_read(tmp_path: Path) -> None:
    inputs = InputCopies()
    given = tmp_path / "my süite (1).yaml"
    given.write_bytes(b"suite: one  # a comment\n")
    with inputs.taking():
        load(given)
        load(find("suites", "default"))
        given.write_bytes(b"suite: other\n")
        load(given)
    load(find("suites", "retry"))
    stored = copies(tmp_path / "out", inputs)
    shipped = [name for name in stored if name.startswith("shipped/")]
    assert shipped == ["shipped/suites/default.yaml"]
    contents = {stored[name] for name in stored if name.startswith("given/my-s")}
    assert contents == {b"suite: one  # a comment\n", b"suite: other\n"}
    assert not any(str(tmp_path) in name for name in stored)


def test_what_the_program_holds_of_its_own_is_not_copied(tmp_path: Path) -> None:
    import bench.mehrs

    inputs = InputCopies()
    with inputs.taking():
        load(Path(bench.mehrs.__file__).parent / "data" / "mehrs-5.0.yaml")
    assert copies(tmp_path, inputs) == {}


def test_a_station_with_its_profiles(tmp_path: Path) -> None:
    inputs = InputCopies()
    inputs.take_station(find("stations", "emulated-emu"))
    stored = copies(tmp_path, inputs)
    assert "shipped/stations/emulated-emu.yaml" in stored
    assert "shipped/devices/generic-dlms-electricity.yaml" in stored


def test_the_copies_of_an_earlier_run_go(tmp_path: Path) -> None:
    old = tmp_path / "inputs" / "given" / "old.yaml"
    old.parent.mkdir(parents=True)
    old.write_text("x: 1")
    copies(tmp_path, InputCopies())
    assert not old.exists()


def recorded(folder: Path, spacing: Micros, count: int, span: Micros | None) -> int:
    """Writes so many events; returns how many checkpoints there are."""
    with Recording(folder, SIGNER, span) as recording:
        for number in range(count):
            recording.write(Opened(at=number * spacing, installation="I", group="EA"))
        recording.finish()
    points = read_checkpoints((folder / "checkpoints.jsonl").read_bytes())
    trace = (folder / "trace.jsonl").read_bytes()
    assert points is not None
    assert off_trace(points, heads(trace)) == ""
    assert all(each.signed_by(SIGNER.verifier) for each in points)
    line = to_json(Opened(at=0, installation="I", group="EA"))
    assert trace.decode().splitlines()[:1] == [line][:count]
    return len(points)


@pytest.mark.parametrize(
    ("spacing", "count", "span", "points"),
    [
        (0, 0, SPAN, 1),
        (0, LINES - 1, None, 1),
        (0, LINES, None, 2),
        (0, 2 * LINES + 1, None, 3),
        (MINUTE, 60, None, 1),
        (MINUTE, 60, SPAN, 6),
        (4 * 60 * MINUTE, 12, SPAN, 12),
    ],
)
def test_checkpoints_by_lines_and_by_the_clock(
    spacing: Micros, count: int, span: Micros | None, points: int, tmp_path: Path
) -> None:
    assert recorded(tmp_path, spacing, count, span) == points


def test_a_checkpoint_is_on_disk_before_the_run_goes_on(tmp_path: Path) -> None:
    with Recording(tmp_path) as recording:
        recording.write(Opened(at=0, installation="I", group="EA"))
        assert (tmp_path / "trace.jsonl").read_bytes().count(b"\n") == 1
        recording.checkpoint()
        held = io.BytesIO((tmp_path / "checkpoints.jsonl").read_bytes())
        assert len(held.readlines()) == 1

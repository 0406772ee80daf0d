"""The server: who may look, who may act, and what is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.live import process
from bench.live.page_operator import ANSWER
from bench.live.status import Status, write_status
from bench.serving.growing import AT_ONCE, DRAWN, new_lines
from bench.serving.runs import Runs
from tests.serving.served import Client, LiveRun, serving


@pytest.fixture
def live(tmp_path: Path) -> LiveRun:
    return LiveRun(tmp_path / "runs" / "monday")


def test_nobody_looks_without_the_token(live: LiveRun) -> None:
    with serving(live.folder.parent) as server:
        stranger = Client(server, cookie="")
        for path in ("/", "/api/runs", "/runs/monday", "/style.css", "/?token=wrong"):
            status, body, _ = stranger.ask(path)
            assert status == 401, path
            assert "monday" not in body
        assert Client(server, cookie="smets1-bench=guess").ask("/")[0] == 401
        assert Client(server, cookie='smets1-bench="\\').ask("/")[0] == 401


def test_the_token_is_changed_for_a_cookie_and_leaves_the_address(live: LiveRun) -> None:
    with serving(live.folder.parent) as server:
        status, _, headers = Client(server, cookie="").ask("/?token=t0ken")
        assert (status, headers["Location"]) == (303, "/")
        assert "HttpOnly" in headers["Set-Cookie"]
        assert "SameSite=Strict" in headers["Set-Cookie"]
        assert server.address.endswith("/?token=t0ken")


def test_a_name_that_only_resolves_to_this_machine_is_refused(live: LiveRun) -> None:
    with serving(live.folder.parent) as server:
        assert Client(server).ask("/api/runs", Host="evil.example:80")[0] == 421
        assert (
            Client(server).ask("/api/runs", Host=f"localhost:{server.server_address[1]}")[0] == 200
        )


def test_every_answer_forbids_foreign_content_and_frames(live: LiveRun) -> None:
    with serving(live.folder.parent) as server:
        for path in ("/", "/runs/monday", "/api/runs/monday", "/nothing"):
            _, _, headers = Client(server).ask(path)
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..",
        "/runs/%2e%2e",
        "/runs/monday/../../secret",
        "/runs/monday/%2e%2e%2fsecret",
        "/runs/monday/status.json",
        "/runs/monday/keys.json",
        "/runs/tuesday",
        "/api/runs/..%2f",
        "/api",
        "/%00",
    ],
)
def test_only_what_is_listed_is_handed_out(live: LiveRun, path: str) -> None:
    (live.folder.parent / "secret").write_text("not a run")
    (live.folder / "keys.json").write_text("not for the page")
    with serving(live.folder.parent) as server:
        assert Client(server).ask(path)[0] == 404


def test_a_link_out_of_the_folder_is_no_run(tmp_path: Path) -> None:
    LiveRun(tmp_path / "elsewhere")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    assert Runs(tmp_path / "runs").newest(10) == ([], 0)


def test_a_live_run_tells_only_what_is_new(live: LiveRun) -> None:
    with serving(live.folder.parent) as server:
        first = told(server)
        assert [line[2] for line in first["lines"]] == ["opened", "account with SMSO"]
        assert first["state"] == "running"
        assert "<svg" in first["drawing"]
        again = told(server, first["offset"], first["offset"])
        assert again["lines"] == []
        assert "drawing" not in again
        live.fails(1)
        grown = told(server, first["offset"], first["offset"])
        assert [line[2] for line in grown["lines"]] == ["attempt 1 failed · electricity · X-9"]
        assert "X-9" in json.dumps(grown["rows"])


def told(server: Any, offset: int = 0, drawn: int = -1) -> Any:
    status, body, _ = Client(server).ask(f"/api/runs/monday?offset={offset}&drawn={drawn}")
    assert status == 200
    return json.loads(body)


def test_half_a_line_waits_for_its_end(live: LiveRun) -> None:
    trace = live.folder / "trace.jsonl"
    whole = new_lines(trace, 0)
    with trace.open("a") as file:
        file.write('{"at": "2021-')
    assert new_lines(trace, whole.offset).lines == ()
    assert new_lines(trace, whole.offset).offset == whole.offset


def test_of_a_long_trace_the_end_is_told_in_pieces(live: LiveRun) -> None:
    trace = live.folder / "trace.jsonl"
    live.fails(1)
    *_, last = trace.read_text().splitlines(keepends=True)
    with trace.open("a") as file:
        file.writelines(last.replace(": 1,", f": {number},") for number in range(2, 3001))
    told = new_lines(trace, 0)
    assert told.skipped
    assert 0 < len(told.lines) <= AT_ONCE
    offset, numbers = told.offset, list(told.lines)
    while (more := new_lines(trace, offset)).lines:
        numbers += more.lines
        offset = more.offset
    assert offset == trace.stat().st_size
    assert numbers[-1][2].startswith("attempt 3000 ")


def test_a_drawing_holds_the_newest_attempts_and_all_that_says_who_holds_what(
    live: LiveRun,
) -> None:
    for number in range(1, DRAWN + 30):
        live.fails(number)
    with serving(live.folder.parent) as server:
        drawing = told(server)["drawing"]
    assert "SMSO" in drawing
    assert f">{DRAWN + 28}<" in drawing or f">{DRAWN + 29}<" in drawing
    assert len(drawing) < 100_000


@pytest.mark.parametrize("given", ["-1x", "", "9" * 40, "1e3", "٣"])
def test_a_number_that_is_none_is_refused(live: LiveRun, given: str) -> None:
    from urllib.parse import quote

    with serving(live.folder.parent) as server:
        status, body, _ = Client(server).ask(f"/api/runs/monday?offset={quote(given)}&x")
        assert status == (200 if given == "" else 400)
        assert "Traceback" not in body


def test_read_only_means_read_only(live: LiveRun) -> None:
    live.board.asks("plugged?", ("yes",), 0)
    with serving(live.folder.parent) as server:
        for path in ("abort", "answer"):
            status, body, _ = Client(server).acts(f"/api/runs/monday/{path}", {})
            assert status == 403
            assert "--control" in body
    assert not (live.folder / ANSWER).exists()


def test_another_sites_page_may_not_act(live: LiveRun) -> None:
    live.board.asks("plugged?", ("yes",), 0)
    body = {"number": 1, "answer": "yes"}
    with serving(live.folder.parent, control=True) as server:
        client = Client(server)
        own = f"http://127.0.0.1:{client.port}"
        for headers in (
            {},
            {"Origin": own},
            {"X_Smets1_Bench": "1"},
            {"Origin": "http://evil.example", "X_Smets1_Bench": "1"},
            {"Origin": "null", "X_Smets1_Bench": "1"},
        ):
            assert client.ask("/api/runs/monday/answer", body=body, **headers)[0] == 403
        assert Client(server, cookie="").acts("/api/runs/monday/answer", body)[0] == 401
        assert not (live.folder / ANSWER).exists()
        assert client.acts("/api/runs/monday/answer", body)[0] == 200
    assert (live.folder / ANSWER).exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"number": 2, "answer": "yes"}, 409),
        ({"number": 1, "answer": "perhaps"}, 400),
        ({"number": 1, "answer": ["yes"]}, 400),
        ({"number": 1, "answer": "yes", "by": 3}, 400),
        ({}, 409),
        (b"[1]", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"x" * 5000, 413),
    ],
)
def test_an_answer_that_is_none_is_refused(live: LiveRun, body: Any, status: int) -> None:
    live.board.asks("plugged?", ("yes", "no"), 0)
    with serving(live.folder.parent, control=True) as server:
        assert Client(server).acts("/api/runs/monday/answer", body)[0] == status
    assert not (live.folder / ANSWER).exists()


def test_abort_interrupts_the_process_of_the_run_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "monday"
    folder.mkdir(parents=True)
    words = [sys.executable, "-c", WAITS, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with serving(folder.parent, control=True) as server:
            assert Client(server).acts("/api/runs/monday/abort", {})[0] == 200
            assert child.wait(30) == 77
            status, body, _ = Client(server).acts("/api/runs/monday/abort", {})
            assert (status, "not running" in body) == (409, True)


WAITS = """
import sys, signal
from pathlib import Path
from bench.live.board import Board
from bench.live.status import Status
def stop(*_): sys.exit(77)
signal.signal(signal.SIGINT, stop)
Board(Status("", "s", "b", "wall", 1, 0, 0, 1), Path(sys.argv[1]))
print("ready", flush=True)
signal.pause()
"""


def test_a_run_whose_process_is_gone_is_interrupted(tmp_path: Path) -> None:
    folder = tmp_path / "monday"
    folder.mkdir()
    gone = Status("running", "s", "b", "wall", 1, 0, 0, 3, process=f"{os.getpid()}/1")
    write_status(folder, gone)
    (run,) = Runs(tmp_path).newest(5)[0]
    assert run.state == "interrupted"
    own = Status("running", "s", "b", "wall", 1, 0, 0, 3, process=process.own_mark())
    write_status(folder, own)
    (run,) = Runs(tmp_path).newest(5)[0]
    assert run.state == "running"


def test_a_thousand_runs_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1000):
        folder = tmp_path / f"run-{number:04}"
        folder.mkdir()
        write_status(folder, Status("finished", "s", "b", "virtual", 1, 0, 0, 3, verdict="pass"))
    runs = Runs(tmp_path)
    newest, there = runs.newest(200)
    assert (len(newest), there) == (200, 1000)
    reads: list[Path] = []
    monkeypatch.setattr("bench.serving.runs.read_status", lambda folder: reads.append(folder))
    assert runs.newest(200)[0] == newest
    assert reads == []


def test_the_folder_of_one_run_may_be_served_itself(live: LiveRun) -> None:
    (run,) = Runs(live.folder).newest(5)[0]
    assert run.name == "monday"


@pytest.mark.parametrize(
    "status",
    [
        "[" * 100_000,
        "null",
        {"started": {}},
        {"started": -(10**30)},
        {"verdict": ["pass"]},
        {"suite": None},
    ],
    ids=["deep", "null", "no-number", "no-date", "no-text", "no-suite"],
)
def test_a_status_that_is_none_spoils_no_other_run(
    live: LiveRun, status: str | dict[str, Any]
) -> None:
    broken = live.folder.parent / "broken"
    broken.mkdir()
    if isinstance(status, dict):
        known = json.loads((live.folder / "status.json").read_text(encoding="utf-8"))
        status = json.dumps({**known, **status})
    (broken / "status.json").write_text(status, encoding="utf-8")
    with serving(live.folder.parent) as server:
        code, body, _ = Client(server).ask("/api/runs")
        assert code == 200, body
        assert {run["name"] for run in json.loads(body)["runs"]} == {"broken", "monday"}
        assert Client(server).ask("/api/runs/broken")[0] == 200


def test_a_link_out_of_the_run_or_a_pipe_is_not_handed_out(live: LiveRun, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("not of this run", encoding="utf-8")
    (live.folder / "report.html").symlink_to(tmp_path / "elsewhere")
    (live.folder / "trace.jsonl").unlink(missing_ok=True)
    os.mkfifo(live.folder / "trace.jsonl")
    with serving(live.folder.parent) as server:
        assert Client(server).ask("/runs/monday/report.html")[0] == 404
        assert Client(server).ask("/runs/monday/trace.jsonl")[0] == 404
        assert Client(server).ask("/api/runs/monday")[0] == 200

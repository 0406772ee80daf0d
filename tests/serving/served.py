"""A folder of runs and a server on it, on a free port of the loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.certificate import strategy_record
from bench.live.board import Board
from bench.live.status import Status
from bench.mehrs.loader import load_strategy
from bench.serving.runs import Runs
from bench.serving.server import LOOPBACK, Server
from bench.trace import Account, Attempt, Event, Opened, to_json
from bench.units import MINUTE, SECOND

T = 1_623_000_000 * SECOND
STRATEGY = load_strategy()


class LiveRun:
    """A run as its own process would leave it in `folder`, one event after the other."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._at = T
        self._ticks = 0.0
        status = Status("", "retry", "bench 3", "virtual", 1, T, T, 12, kit="EMULATED")
        self.board = Board(status, folder, monotonic=self._monotonic)
        self.board.begins("one", "about", 1, STRATEGY, strategy_record(STRATEGY), 60 * SECOND)
        self.adds(Opened(at=T, installation="I-1", group="DA"))
        self.adds(Account(at=T, installation="I-1", holder="SMSO"))

    def _monotonic(self) -> float:
        self._ticks += 10
        return self._ticks

    def adds(self, event: Event) -> None:
        with (self.folder / "trace.jsonl").open("a", encoding="utf-8") as trace:
            trace.write(to_json(event) + "\n")
        self.board.saw(event)

    def fails(self, number: int) -> None:
        self._at += 30 * MINUTE
        self.adds(
            Attempt(
                at=self._at,
                installation="I-1",
                section="3.3",
                number=number,
                device="electricity",
                outcome="failed",
                code="X-9",
            )
        )
        self.board.waits(self._at + 30 * MINUTE, "")


@contextmanager
def serving(root: Path, *, control: bool = False) -> Iterator[Server]:
    server = Server(Runs(root), LOOPBACK, 0, control=control, token="t0ken")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Client:
    """Speaks to the server as a browser would, or as somebody who tries their luck."""

    def __init__(self, server: Server, cookie: str = "smets1-bench=t0ken") -> None:
        self.port = server.server_address[1]
        self.cookie = cookie

    def ask(
        self, path: str, *, body: Any = None, method: str = "", **headers: str
    ) -> tuple[int, str, dict[str, str]]:
        connection = HTTPConnection(LOOPBACK, self.port, timeout=10)
        sent = {"Cookie": self.cookie, **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def acts(self, path: str, body: Any) -> tuple[int, str, dict[str, str]]:
        own = f"http://{LOOPBACK}:{self.port}"
        return self.ask(path, body=body, Origin=own, X_Smets1_Bench="1")

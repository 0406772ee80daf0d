"""The server: routes, and nothing that a page shows.

Read-only unless `control`; then a run can be stopped and a question answered. Both go through the
run's own doors (a signal, `answer.json`), so that the run leaves its kit as safe as with Ctrl-C.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from bench.errors import BenchError, UsageError
from bench.live.page_operator import LONGEST_NAME, PageAnswer, leave_answer
from bench.live.process import stop
from bench.live.status import read_status
from bench.serving.door import Door
from bench.serving.growing import open_own
from bench.serving.pages import LISTED, asset, list_page, run_page, run_told, runs_told
from bench.serving.runs import Run, Runs
from bench.units import SECOND

LOOPBACK: Final = "127.0.0.1"
LONGEST_BODY: Final = 4096
TOLERANCE: Final = 60 * SECOND

_FILES: Final = {
    "report.html": "text/html; charset=utf-8",
    "junit.xml": "application/xml",
    "mrr6.csv": "text/csv; charset=utf-8",
    "trace.jsonl": "application/jsonl; charset=utf-8",
    "result.json": "application/json",
}
"""What of a run's folder is handed out: by name, and nothing else."""

_ASSETS: Final = {"style.css": "text/css; charset=utf-8", "live.js": "text/javascript"}

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REPORT_POLICY: Final = "frame-ancestors 'none'"  # the report brings its own


class Server(ThreadingHTTPServer):
    """Serves until `shutdown`. Raises OSError where the port is taken."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, runs: Runs, host: str, port: int, *, control: bool, token: str = "") -> None:
        self.runs = runs
        self.control = control
        super().__init__((host, port), _Handler)
        at = self.server_address[1]
        names = {host.lower(), "localhost", LOOPBACK} if host == LOOPBACK else {host.lower()}
        self.door = Door(frozenset(f"{name}:{at}" for name in names), token)
        self.address = f"http://{host}:{at}/?token={self.door.token}"


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.0"  # a connection each: when the server goes, every page sees it
    server_version = "smets1-bench"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, *args: object) -> None:
        """Nothing: the address holds the token."""

    # --- who may ---

    def _answer(self, route: Any) -> None:
        try:
            if not self.server.door.host_is_ours(self.headers):
                raise _Refused(421, "this server answers under its own address only")
            route()
        except _Refused as refused:
            self._send(refused.status, "text/plain; charset=utf-8", refused.message + "\n")
        except (UsageError, BenchError) as error:
            self._send(409, "text/plain; charset=utf-8", f"{error}\n")
        except OSError:  # the page is gone, or takes nothing any more
            self.close_connection = True
        except Exception as error:
            kind = type(error).__name__
            message = f"internal error ({kind}): this is a bug of smets1-bench\n"
            self._send(500, "text/plain; charset=utf-8", message)

    def _get(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        token = query.get("token", [""])[0]
        if token and self.server.door.is_the_token(token):
            self._send(303, "text/plain", "", Location="/", Set_Cookie=self.server.door.cookie())
            return
        if not self.server.door.knows(self.headers):
            raise _Refused(401, "open the whole address that `smets1-bench serve` printed")
        match [unquote(part) for part in url.path.strip("/").split("/")]:
            case [""]:
                self._send(200, "text/html; charset=utf-8", list_page())
            case [name] if name in _ASSETS:
                self._send(200, _ASSETS[name], asset(name))
            case ["api", "runs"]:
                limit = _number(query, "limit", LISTED)
                self._send_json(runs_told(self.server.runs, limit))
            case ["api", "runs", name]:
                offset, drawn = _number(query, "offset", 0), _number(query, "drawn", -1)
                told = run_told(self._run(name), offset, tolerance=TOLERANCE, drawn=drawn)
                self._send_json(told)
            case ["runs", name]:
                page = run_page(self._run(name), control=self.server.control)
                self._send(200, "text/html; charset=utf-8", page)
            case ["runs", name, file] if file in _FILES:
                self._send_file(self._run(name), file)
            case _:
                raise _Refused(404, "there is nothing here")

    def _post(self) -> None:
        if not self.server.door.knows(self.headers):
            raise _Refused(401, "open the whole address that `smets1-bench serve` printed")
        if not self.server.door.may_act(self.headers):
            raise _Refused(403, "only this server's own page may ask for that")
        if not self.server.control:
            raise _Refused(403, "read-only: start `smets1-bench serve` with --control")
        body = self._body()
        match [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]:
            case ["api", "runs", name, "abort"]:
                status = read_status(self._run(name).folder)
                if status is None:
                    raise _Refused(409, "the run does not say which process runs it")
                stop(status.process)
                self._send_json({"done": "the run was asked to stop"})
            case ["api", "runs", name, "answer"]:
                self._take_answer(self._run(name), body)
                self._send_json({"done": "answered"})
            case _:
                raise _Refused(404, "there is nothing here")

    # --- what is asked ---

    def _run(self, name: str) -> Run:
        run = self.server.runs.find(name)
        if run is None:
            raise _Refused(404, "there is no such run")
        return run

    def _take_answer(self, run: Run, body: dict[str, Any]) -> None:
        status = read_status(run.folder)
        question = None if status is None else status.question
        if question is None or body.get("number") != question.number:
            raise _Refused(409, "that question is not asked any more")
        answer, by = body.get("answer"), body.get("by", "")
        if answer not in question.answers or not isinstance(by, str):
            raise _Refused(400, f"expected one of {', '.join(question.answers)}")
        try:
            leave_answer(run.folder, PageAnswer(question.number, answer, by.strip()[:LONGEST_NAME]))
        except OSError as error:
            raise _Refused(409, f"the answer cannot be written: {error.strerror}") from None

    def _body(self) -> dict[str, Any]:
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if not 0 <= length <= LONGEST_BODY:
            self.close_connection = True
            raise _Refused(413, f"expected at most {LONGEST_BODY} bytes")
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _Refused(400, "expected a JSON object")
        return body

    # --- answers ---

    def _send_file(self, run: Run, name: str) -> None:
        try:
            with open_own(run.folder / name) as file:
                content = file.read()
        except OSError:
            raise _Refused(404, f"the run has no {name}") from None
        self._send(200, _FILES[name], content, Content_Security_Policy=_REPORT_POLICY)

    def _send_json(self, value: Any) -> None:
        self._send(200, "application/json", json.dumps(value, ensure_ascii=False))

    def _send(self, status: int, kind: str, content: str | bytes, **headers: str) -> None:
        data = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Security-Policy": _POLICY,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _number(query: dict[str, list[str]], name: str, usual: int) -> int:
    given = query.get(name, [str(usual)])[0]
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise _Refused(400, f"{name}: expected a number")
    return int(given)

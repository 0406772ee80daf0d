"""One console, one question at a time: who answers what, and whose error it is.

An answer on a console does not say which question it answers. So after anything but a whole
answer the line must be silent for the profile's `quiet`, longer than its slowest answer; and where
the profile has `sync`, the console is then made to repeat a token. Once it has, every older answer
has passed, however late.

A command that changes something is sent only to a console that has just repeated a token (if the
profile has `sync`): so a device that is not there is `NoReply`, with nothing sent, and only an
answer lost after that leaves doubt (`Ambiguous`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.clock import Clock
from bench.errors import Ambiguous, Garbled, NoReply, PeerError, PortGone, Refused
from bench.units import Micros
from drivers.codecs.console import Answer, ConsoleClient, Failure, Notice, Unexpected
from drivers.codecs.errors import LocalProtocolError
from drivers.profiles.console import ConsoleProfile
from drivers.profiles.profile import TimingProfile
from drivers.transport.pipe import SecretSpan, Transport
from drivers.transport.unsolicited import LineClassifier, UnsolicitedQueue

_KEPT: Final = 1_000
_TOKENS: Final = 5  # a console that has not found into step by then will not


@dataclass(frozen=True, slots=True)
class ConsoleNotice:
    """A line nobody asked for, and when its last octet had arrived."""

    at: Micros
    name: str
    fields: Mapping[str, str]


class ConsoleSession:
    """Owns the transport. `name` is the device's on the station, for errors."""

    def __init__(
        self, name: str, console: ConsoleProfile, timing: TimingProfile, transport: Transport
    ) -> None:
        self._name = name
        self._timing = timing
        self._dialect = console.dialect
        self._client = ConsoleClient(self._dialect)
        beginnings = self._dialect.unsolicited_beginnings
        self._queue: UnsolicitedQueue | None = None
        self._transport: Transport = transport
        if beginnings:
            prompt = self._dialect.prompt.encode("ascii")
            self._queue = UnsolicitedQueue(transport, LineClassifier(beginnings, prompt=prompt))
            self._transport = self._queue
        self._heard: deque[ConsoleNotice] = deque(maxlen=_KEPT)
        self._disturbed = False
        # Whoever used the console before may have left a question open.
        self._token = 0
        self._in_step = "sync" not in self._dialect.commands
        self._gone = False
        self.losses = 0  # how often the port went; who answers after it may be another
        self._active_at: Micros = transport.clock.now()

    @property
    def clock(self) -> Clock:
        return self._transport.clock

    def close(self) -> None:
        self._transport.close()

    def notice(self, deadline: Micros) -> ConsoleNotice | None:
        """The oldest unsolicited line not yet taken, or None once `deadline` is reached."""
        if self._heard:
            return self._heard.popleft()
        message = None if self._queue is None else self._queue.unsolicited(deadline)
        if message is None:
            return None
        line = message.message.decode("latin-1")
        for name, template in (self._dialect.unsolicited or {}).items():
            fields = template.match(line)
            if fields is not None:
                return ConsoleNotice(message.at, name, fields)
        return ConsoleNotice(message.at, "", {"line": line})  # begins like one and is none

    def ask(
        self, operation: str, command: str, *, changes: bool = False, **parameters: str
    ) -> Answer:
        """Makes one request. Raises a `PeerError` as the module says, or `PortGone`.

        After `PortGone` the next request opens the port again first.
        """
        if command not in self._dialect.commands:
            raise Refused(
                self._name,
                operation,
                f"its profile has no command {command}",
                code="not-in-profile",
            )
        self._bring_back()
        if self._disturbed:
            self._fall_silent(operation)
        deadline = self.clock.now() + self._timing.reply_timeout
        if self._disturbed or changes or not self._in_step:
            self._synchronise(operation, deadline)
        return self._exchange(operation, command, deadline, changes, parameters)

    def _bring_back(self) -> None:
        if self._gone:
            self._transport.reopen(self.clock.now() + self._timing.reply_timeout)
            self._gone = False
            self._active_at = self.clock.now()

    def _port_went(self) -> None:
        self.losses += not self._gone
        self._gone = True

    def _fall_silent(self, operation: str) -> None:
        """Reads and drops until the line was silent for `quiet`, counted from the failure at the
        earliest. Nothing was sent yet.
        """
        quiet, clock = self._timing.quiet, self.clock
        until = clock.now() + quiet + self._timing.reply_timeout
        while self._read(min(self._active_at + quiet, until)):
            pass
        if clock.now() < self._active_at + quiet:
            raise NoReply(self._name, operation, "not asked: the line does not fall silent")

    def _synchronise(self, operation: str, deadline: Micros) -> None:
        """Returns once the console has repeated a fresh token; every older answer has passed."""
        if "sync" not in self._dialect.commands:
            self._disturbed = False
            return
        for _ in range(_TOKENS):
            self._token = max(self._token + 1, self.clock.now())
            token = str(self._token)
            try:
                answer = self._exchange(operation, "sync", deadline, False, {"token": token})
            except (Garbled, Refused):  # an older answer, or the rest of somebody's line
                continue
            except NoReply as none:
                raise NoReply(self._name, operation, "not reached: nothing was sent") from none
            if answer.fields["token"] == token:
                self._in_step = True
                return
        self._disturbed = True
        raise NoReply(self._name, operation, "not asked: the console is out of step")

    def _exchange(
        self,
        operation: str,
        command: str,
        deadline: Micros,
        changes: bool,
        parameters: Mapping[str, str],
    ) -> Answer:
        try:
            outgoing = self._client.ask(command, **parameters)
        except LocalProtocolError as error:
            raise Refused(self._name, operation, str(error), code="bad-parameter") from None
        self._disturbed = True
        secrets = [
            SecretSpan(start, end, f"{self._name}/{field}")
            for start, end, field in outgoing.secrets
        ]
        try:
            self._transport.discard_input()
            self._transport.write(outgoing.octets, secrets)
            self._active_at = self.clock.now()
            return self._answer(operation, deadline, changes)
        except PortGone:
            self._port_went()
            raise
        finally:
            self._client.abandon()
            if self._disturbed:
                self._active_at = self.clock.now()

    def _answer(self, operation: str, deadline: Micros, changes: bool) -> Answer:
        while data := self._read(deadline):
            for event in self._client.receive(data):
                match event:
                    case Notice(name, fields):
                        self._heard.append(ConsoleNotice(self.clock.now(), name, fields))
                    case Answer():
                        self._disturbed = False
                        return event
                    case Failure():
                        self._disturbed = False
                        detail = event.fields.get("reason", "")
                        raise Refused(self._name, operation, detail, code=event.code)
                    case Unexpected():
                        raise self._lost(operation, changes, event.detail)
        if self._client.partial:
            raise self._lost(operation, changes, "the answer was cut off")
        raise (Ambiguous if changes else NoReply)(self._name, operation)

    def _lost(self, operation: str, changes: bool, detail: str) -> PeerError:
        return (Ambiguous if changes else Garbled)(self._name, operation, detail)

    def _read(self, deadline: Micros) -> bytes:
        try:
            data = self._transport.read(deadline)
        except PortGone:
            self._port_went()
            raise
        if data:
            self._active_at = self._transport.received_at
        return data

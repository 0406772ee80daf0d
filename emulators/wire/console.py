"""A hub or a display on its service console: the same model as `direct:`, behind lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from bench.clock import Clock
from bench.units import Micros
from drivers.codecs.console import ConsoleServer, Heard, NotUnderstood
from drivers.profiles.console_values import ConsoleValues
from drivers.profiles.parts import console_part
from drivers.profiles.profile import Profile
from emulators.exchange import Channel
from emulators.models.comms_hub import CommsHub
from emulators.models.device import EmulatedDevice
from emulators.models.ihd import InHomeDisplay
from emulators.models.rejection import Rejected
from emulators.wire.struck_request import AnotherDevice, NoAnswer, NotAuthentic, OnTheWire

Send = Callable[[bytes], None]

_ANOTHER: Final = "00-00-5E-00-53-00-00-01"
"""The EUI-64 of a device that answers in another's place: from the documentation range."""

ConsoleModel = CommsHub | InHomeDisplay


@dataclass(frozen=True, slots=True)
class Said:
    """What a command is answered: fields that come once, and a row for each line that repeats."""

    once: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Mapping[str, str], ...] = ()


Act = Callable[[Mapping[str, str]], Said]


class ConsoleDevice:
    """Hears, takes its reaction time, acts and answers; one command after the other.

    A device that is off hears nothing, and one that goes off forgets what it had heard.
    Announcements wait until the command that is being typed is whole.
    """

    def __init__(
        self,
        model: ConsoleModel,
        profile: Profile,
        clock: Clock,
        send: Send,
        *,
        channel: Channel | None = None,
    ) -> None:
        """`channel`: where request faults lie in wait."""
        role = model.spec.role
        console = console_part(profile, role)
        self._model: EmulatedDevice = model
        self._clock = clock
        self._send = send
        self._reaction: Micros = profile.timing.reaction
        self._dialect = console.dialect
        self._server = ConsoleServer(self._dialect)
        values = ConsoleValues(console)
        self._acts = (
            _hub_acts(model, values)
            if isinstance(model, CommsHub)
            else _display_acts(model, values)
        )
        self._acts |= _common_acts(model)
        self._pending: deque[Heard | NotUnderstood] = deque()
        self._since: Micros = model.up_since
        self._typing = False
        self._announcements: list[bytes] = []
        self._refusals: deque[str] = deque()
        self._channel = channel
        self._impostor = False
        self._exchange: OnTheWire[bytes] | None = None
        model.watchers.append(self._announce)

    def refuse_next(self, code: str, times: int = 1) -> None:
        """The next commands are not carried out: the device is busy, or will not."""
        self._refusals.extend([code] * times)

    def receive(self, data: bytes, at: Micros) -> None:
        if not self._model.up:
            return
        self._forget_if_restarted()
        heard, echo = self._server.receive(data)
        self._typing = data[-1:] not in (b"\r", b"\n")
        if echo:
            self._send(echo)
        if not self._typing:
            self._flush()
        idle = not self._pending
        self._pending += heard
        if idle and self._pending:
            self._clock.call_at(at + self._reaction, self._act)

    def _act(self) -> None:
        self._forget_if_restarted()
        if not self._pending or not self._model.up:
            return
        self._say(self._pending.popleft())
        if self._pending:
            self._clock.call_at(self._clock.now() + self._reaction, self._act)

    def _say(self, heard: Heard | NotUnderstood) -> None:
        """Answers, as a fault lets it: late, damaged, or not at all."""
        try:
            answer, late, damaged = self._suffer(heard)
        except NoAnswer:
            return
        if damaged:
            middle = len(answer) // 2
            answer = answer[:middle] + b"\x00" + answer[middle + 1 :]
        if late:
            self._clock.call_at(self._clock.now() + late, partial(self._send, answer))
        else:
            self._send(answer)

    def _suffer(self, heard: Heard | NotUnderstood) -> tuple[bytes, Micros, bool]:
        if self._channel is None or isinstance(heard, NotUnderstood) or heard.command == "sync":
            return self._answer(heard), 0, False
        operation = heard.command.replace("-", "_")
        what = " ".join((heard.command, *map(str, heard.parameters.values())))
        exchange = OnTheWire(self._channel, operation, partial(self._answer, heard), what)
        self._exchange = exchange
        try:
            answer = exchange.suffer()
        except Rejected as no:
            return self._fail(no.code, no.detail), 0, False
        except NotAuthentic:
            return self._fail("denied", "not authentic"), 0, False
        except AnotherDevice:
            # Another device would answer in its own name; asked anything else it has no answer.
            if heard.command != "identify":
                raise NoAnswer from None
            self._impostor = True
            answer = self._answer(heard)
            self._impostor = False
        if answer is None:  # acknowledged, not done
            answer = self._server.answer(heard.command, [])
        return answer, exchange.late, exchange.damaged

    def _answer(self, heard: Heard | NotUnderstood) -> bytes:
        if isinstance(heard, NotUnderstood) or heard.command not in self._acts:
            return self._fail("unknown-command", "no such command")
        if self._refusals and heard.command != "sync":
            return self._fail(self._refusals.popleft(), "")
        try:
            said = self._acts[heard.command](heard.parameters)
        except Rejected as no:
            return self._fail(no.code, no.detail)
        if self._impostor:
            said = replace(said, once={**said.once, "eui64": _ANOTHER})
        lines: list[tuple[int, Mapping[str, str]]] = []
        for place, line in enumerate(self._dialect.commands[heard.command].lines):
            for row in said.rows if line.repeats else ({},):
                known = {**said.once, **row}
                lines.append(
                    (place, {part.name: known[part.name] for part in line.template.fields})
                )
        return self._server.answer(heard.command, lines)

    def _fail(self, code: str, reason: str) -> bytes:
        if self._exchange is not None:
            self._exchange.code = code
        known = {"code": code, "reason": reason or code}
        wanted = self._dialect.errors[0].fields
        return self._server.fail(0, **{part.name: known[part.name] for part in wanted})

    def _announce(self, event: str, details: Mapping[str, str]) -> None:
        self._forget_if_restarted()
        template = (self._dialect.unsolicited or {}).get(event)
        if template is None:
            return
        fields = {part.name: details[part.name] for part in template.fields}
        self._announcements.append(self._server.notice(event, **fields))
        if not self._typing:
            self._flush()

    def _flush(self) -> None:
        said, self._announcements = self._announcements, []
        for announcement in said:
            self._send(announcement)

    def _forget_if_restarted(self) -> None:
        if self._since != self._model.up_since:
            self._since = self._model.up_since
            self._server = ConsoleServer(self._dialect)
            self._typing = False
            self._pending.clear()


def _common_acts(model: EmulatedDevice) -> dict[str, Act]:
    def identify(_: Mapping[str, str]) -> Said:
        who = model.identity()
        return Said(
            {
                "serial_number": who.serial_number,
                "eui64": who.eui64,
                "manufacturer": who.manufacturer,
                "model": who.model,
                "firmware": who.firmware,
            }
        )

    return {"identify": identify, "sync": Said}


def _hub_acts(hub: CommsHub, values: ConsoleValues) -> dict[str, Act]:
    def wan_state(_: Mapping[str, str]) -> Said:
        state = hub.wan_state()
        word = values.say_word("wan", "connected" if state.connected else "disconnected")
        return Said({"wan": word, "wake_ups": str(state.wake_ups)})

    def wake(_: Mapping[str, str]) -> Said:
        hub.wake()
        return Said()

    def han_devices(_: Mapping[str, str]) -> Said:
        return Said(
            rows=tuple(
                {
                    "eui64": row.eui64,
                    "role": values.say_word("role", row.role),
                    "joined": values.say_word("joined", "joined" if row.joined else "not-joined"),
                    "last_heard": values.say_moment(row.last_heard),
                }
                for row in hub.han_devices()
            )
        )

    def permit_join(given: Mapping[str, str]) -> Said:
        hub.permit_join(int(given["seconds"]))
        return Said()

    def remove_device(given: Mapping[str, str]) -> Said:
        hub.remove_device(given["eui64"])
        return Said()

    def reboot(_: Mapping[str, str]) -> Said:
        hub.reboot()
        return Said()

    def diagnostics(_: Mapping[str, str]) -> Said:
        held = hub.diagnostics()
        return Said(
            {
                "power_ups": str(held.power_ups),
                "uptime": values.say_span(held.uptime),
                "last_gasps": str(held.last_gasps),
            }
        )

    def mirrored_registers(given: Mapping[str, str]) -> Said:
        held = hub.mirrored_registers(given["eui64"])
        unit = values.say_text(held.unit)
        rows = tuple(
            {"register": register, "value": str(value), "unit": unit}
            for register, value in held.values
        )
        source_at = values.say_moment(held.source_at)
        return Said({"eui64": given["eui64"], "source_at": source_at}, rows)

    return {
        "wan-state": wan_state,
        "wake": wake,
        "han-devices": han_devices,
        "permit-join": permit_join,
        "remove-device": remove_device,
        "reboot": reboot,
        "diagnostics": diagnostics,
        "mirrored-registers": mirrored_registers,
    }


def _display_acts(display: InHomeDisplay, values: ConsoleValues) -> dict[str, Act]:
    def display_state(_: Mapping[str, str]) -> Said:
        state = display.display_state()
        rows = tuple({"shown": values.say_text(line)} for line in state.shown)
        return Said({"joined_to": values.say_optional(state.joined_to)}, rows)

    return {"display-state": display_state}

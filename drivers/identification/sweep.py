"""The sweep: line settings in the order in which they are likely, and the questions for each.

It ends at the first language that is understood. Whatever happens, an HDLC connection that was
opened is closed with DISC, also on Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bench.units import MILLISECOND, SECOND, Micros
from drivers.codecs.hdlc import HdlcAddress
from drivers.hdlc_port import HdlcPort, LinkFailed
from drivers.identification import console_probe, modbus_probe, optical_probe
from drivers.identification.asking import (
    AllowanceSpent,
    CountedTransport,
    Question,
    Restless,
    shown,
)
from drivers.identification.findings import (
    ConsoleFound,
    Findings,
    Found,
    MeterFound,
    ModbusFound,
    Outcome,
    PublicAssociation,
    SignedOn,
    Trial,
)
from drivers.identification.hdlc_probe import (
    PUBLIC_CLIENT,
    USUAL_SERVERS,
    Answerer,
    address_text,
    hang_up,
    other_frame,
    who_answers,
)
from drivers.identification.meter_reading import read_meter
from drivers.identification.public_client import PublicClient
from drivers.profiles.dlms import HdlcProfile
from drivers.profiles.profile import TimingProfile
from drivers.transport.line import LineSettings

Say = Callable[[str], None]


class Speech(StrEnum):
    """What may be spoken at a port."""

    OPTICAL = "optical"
    DLMS = "dlms"
    CONSOLE = "console"
    MODBUS = "modbus"


_ON_8_BITS: Final = (Speech.CONSOLE, Speech.DLMS, Speech.MODBUS)
"""The console first: the others' frames would be odd commands to one, a line is noise to them."""
Step = tuple[LineSettings, tuple[Speech, ...]]
STEPS: Final[Sequence[Step]] = tuple(
    (LineSettings.parse(line), speeches)
    for line, speeches in (
        ("300 7E1", (Speech.OPTICAL,)),
        ("9600 8N1", _ON_8_BITS),
        ("115200 8N1", _ON_8_BITS),
        ("19200 8N1", _ON_8_BITS),
        ("19200 8E1", (Speech.MODBUS,)),
        ("9600 8E1", (Speech.MODBUS,)),
        ("9600 7E1", (Speech.OPTICAL,)),
        ("2400 8N1", _ON_8_BITS),
        ("2400 7E1", (Speech.OPTICAL,)),
        ("38400 8N1", _ON_8_BITS),
        ("57600 8N1", _ON_8_BITS),
        ("4800 8N1", _ON_8_BITS),
        ("4800 7E1", (Speech.OPTICAL,)),
        ("1200 8N1", _ON_8_BITS),
        ("1200 7E1", (Speech.OPTICAL,)),
        ("300 8N1", (Speech.CONSOLE,)),
    )
)
USUAL_UNITS: Final = (1, 2, 3)
ALLOWANCE: Final = 1_000
_OPTICAL_WAIT: Final = 1_600 * MILLISECOND  # an optical port may take 1.5 s to answer
_INACTIVITY: Final = 120 * SECOND


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried, in this order. `wait`: how long for the start of an answer."""

    steps: Sequence[Step] = STEPS
    servers: Sequence[HdlcAddress] = USUAL_SERVERS
    units: Sequence[int] = USUAL_UNITS
    wait: Micros = 600 * MILLISECOND

    @classmethod
    def for_lines(cls, lines: Sequence[LineSettings]) -> Sequence[Step]:
        """Everything that can be spoken on these lines."""
        return tuple(
            (line, (Speech.OPTICAL,) if line.data_bits == 7 else _ON_8_BITS) for line in lines
        )

    @staticmethod
    def only(steps: Sequence[Step], wanted: Sequence[Speech]) -> Sequence[Step]:
        """The steps without what is not wanted."""
        kept = ((line, tuple(each for each in said if each in wanted)) for line, said in steps)
        return tuple(step for step in kept if step[1])


class Sweep:
    """One sweep over one port. `say` is told how it goes, a line at a time."""

    def __init__(self, transport: CountedTransport, plan: Plan, say: Say) -> None:
        self._transport = transport
        self._plan = plan
        self._say = say
        self._question = Question(transport, plan.wait)
        self._trials: list[Trial] = []
        self._connected: HdlcAddress | None = None
        self._associations = 0
        self._probes: dict[Speech, Callable[[], Found | None]] = {
            Speech.OPTICAL: self._optical,
            Speech.DLMS: self._hdlc,
            Speech.CONSOLE: self._console,
            Speech.MODBUS: self._modbus,
        }

    def run(self) -> Findings:
        """`PortGone` if the port vanishes."""
        found: Found | None = None
        ended = ""
        try:
            for line, speeches in self._plan.steps:
                found = self._step(line, speeches)
                if found is not None:
                    break
        except AllowanceSpent:
            ended = f"the allowance of {self._transport.allowance} frames was spent"
            self._say(ended)
        finally:
            self._leave()
        return Findings(
            self._transport.port,
            found,
            tuple(self._trials),
            self._transport.sent,
            self._transport.allowance,
            self._associations,
            ended,
        )

    def _step(self, line: LineSettings, speeches: Sequence[Speech]) -> Found | None:
        self._say(f"{line}: {', '.join(speeches)}")
        self._transport.set_line(line)
        for speech in speeches:
            try:
                found = self._probes[speech]()
            except Restless:
                self._note(str(speech), Outcome.NOT_ASKED, "the line does not fall silent")
                self._leave()
                return None
            if found is not None:
                return found
        return None

    def _optical(self) -> Found | None:
        line = self._transport.line
        question = Question(self._transport, max(self._plan.wait, _OPTICAL_WAIT))
        said = optical_probe.sign_on(question)
        if said is None:
            self._note_unanswered("sign-on", question)
            return None
        reader, name = said
        offers = f"{name.baud or line.baud} baud" + (", HDLC" if name.offers_hdlc else "")
        self._note("sign-on", Outcome.ANSWERED, f"{name.manufacturer} {name.text}, {offers}")
        self._say(f"an optical port: {name.manufacturer} {name.text}, offers {offers}")
        signed_on = optical_probe.go_on(question, reader, name)
        if not signed_on.hdlc:
            return MeterFound(line, signed_on)
        return self._hdlc(signed_on) or MeterFound(line, signed_on)

    def _hdlc(self, signed_on: SignedOn | None = None) -> Found | None:
        refusing: Answerer | None = None
        for server in self._plan.servers:
            named = f"SNRM to {address_text(server)}"
            self._connected = server  # from now on, as far as anybody can know
            answerer = who_answers(self._question, server, HdlcAddress(PUBLIC_CLIENT))
            if answerer is None:
                self._connected = None
                self._note_unanswered(named, self._question)
                continue
            where = address_text(answerer.server)
            self._note(named, Outcome.ANSWERED, f"{'UA' if answerer.accepts else 'DM'} of {where}")
            if answerer.accepts:
                return self._meter(answerer, signed_on)
            self._connected = None
            refusing = refusing or answerer
        if refusing is None:
            return None
        return MeterFound(self._transport.line, signed_on, refusing.server)

    def _meter(self, answerer: Answerer, signed_on: SignedOn | None) -> MeterFound:
        self._connected = answerer.server
        self._say(f"a meter: HDLC server {address_text(answerer.server)}")
        try:
            public = self._public(answerer)
        finally:
            self._leave()
        return MeterFound(
            self._transport.line, signed_on, answerer.server, True, answerer.information, public
        )

    def _public(self, answerer: Answerer) -> PublicAssociation:
        transport, wait = self._transport, self._plan.wait
        server = answerer.server
        hdlc = HdlcProfile(
            server.upper,
            server.lower or 0,
            server.size,
            information=answerer.information,
            inactivity=_INACTIVITY,
        )
        timing = TimingProfile(reply_timeout=4 * wait, quiet=2 * wait)
        port = HdlcPort(hdlc, None, timing, transport.line, transport)
        try:
            port.connect(PUBLIC_CLIENT, transport.clock.now() + 4 * wait)
        except LinkFailed as failed:
            return PublicAssociation(refusal=failed.detail)
        self._associations += 1
        return read_meter(PublicClient(port, transport.clock, 4 * wait), self._say)

    def _console(self) -> ConsoleFound | None:
        found = console_probe.probe(self._question)
        if found is None:
            self._note_unanswered("line end, identify", self._question)
            return None
        self._note("line end, identify", Outcome.ANSWERED, shown(found.heard.encode()))
        self._say(f"a console{': ' + found.dialect if found.dialect else ''}")
        return found

    def _modbus(self) -> ModbusFound | None:
        found = []
        for unit in self._plan.units:
            named = f"Modbus unit {unit}: device identification"
            said = modbus_probe.answers(self._question, unit)
            if said is None:
                self._note_unanswered(named, self._question)
                continue
            self._note(named, Outcome.ANSWERED, ", ".join(said.objects.values()) or "an exception")
            self._say(f"a Modbus unit: {unit}")
            found.append(modbus_probe.unit_found(self._question, unit, said))
        return ModbusFound(self._transport.line, tuple(found)) if found else None

    def _note_unanswered(self, named: str, question: Question) -> None:
        heard = bytes(question.heard)
        other = other_frame(heard, HdlcAddress(PUBLIC_CLIENT))
        if other:
            self._note(named, Outcome.NOT_UNDERSTOOD, other)
        elif heard:
            self._note(named, Outcome.NOT_UNDERSTOOD, f"{len(heard)} octets: {shown(heard)}")
        else:
            self._note(named, Outcome.SILENT)

    def _note(self, question: str, outcome: Outcome, detail: str = "") -> None:
        self._trials.append(Trial(self._transport.line, question, outcome, detail))

    def _leave(self) -> None:
        """Nothing of ours stays open on the line."""
        server, self._connected = self._connected, None
        if server is not None:
            hang_up(self._transport, server, HdlcAddress(PUBLIC_CLIENT), self._plan.wait)

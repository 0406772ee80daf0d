"""A DLMS profile against a meter: without a credential, so only what anybody may read.

Asked are the public client and, where the profile gives it no security, the reader. No other
client is tried: a refused password or key counts towards a meter's lockout.
"""

from __future__ import annotations

from typing import Final

from bench.units import Micros, format_duration
from drivers.codecs.dlms_events import Associated
from drivers.codecs.hdlc import HdlcAddress
from drivers.codecs.initiate import Conformance
from drivers.codecs.xdlms import AccessResult, access_result_name
from drivers.confirmation.ledger import Ledger, Path
from drivers.confirmation.meter_objects import CLOCK, NamedObject, named_objects
from drivers.hdlc_port import HdlcPort, LinkFailed
from drivers.identification.asking import CountedTransport, Question, Restless
from drivers.identification.hdlc_probe import Answerer, address_text, hang_up, who_answers
from drivers.identification.meter_reading import value_text
from drivers.identification.public_client import ConnectionLost, NotGiven, PublicClient
from drivers.optical_sign_on import SignOnFailed, sign_on
from drivers.profiles.dlms import ClientProfile, Security, SignOnProfile
from drivers.profiles.parts import dlms_part
from drivers.profiles.profile import Profile

_NEEDS: Final = "needs credentials"
_CREDENTIALS: Final[tuple[Path, ...]] = (
    ("role",),
    ("firmware",),
    ("dlms", "client-title"),
    ("dlms", "clients"),
    ("dlms", "identity"),
    ("dlms", "registers"),
    ("dlms", "supply"),
    ("dlms", "payment"),
    ("dlms", "security-setup"),
    ("dlms", "key-slots"),
    ("dlms", "refusals"),
)
_ABSENT: Final = frozenset(
    access_result_name(code)
    for code in (AccessResult.OBJECT_UNDEFINED, AccessResult.OBJECT_CLASS_INCONSISTENT)
)
_FUELS: Final = {"1": "electricity-meter", "7": "gas-meter"}


class MeterCheck:
    """One run over one meter. The line is left quiet."""

    def __init__(self, profile: Profile, transport: CountedTransport, ledger: Ledger) -> None:
        self._profile = profile
        self._dlms = dlms_part(profile)
        self._transport = transport
        self._ledger = ledger
        self._wait = profile.timing.reply_timeout
        self._slowest: Micros = 0
        self._answers = 0
        self._values: dict[Path, str] = {}

    def run(self) -> None:
        """Raises `PortGone`."""
        for path in _CREDENTIALS:
            self._ledger.skip(*path, detail=_NEEDS)
        if not self._profile.firmware:
            self._ledger.skip("firmware", detail="any is accepted")
        if not self._reach():
            return
        clients = self._dlms.clients
        waiting = self._ask("public", clients.public, list(named_objects(self._dlms)))
        if waiting and clients.reader.security is Security.NONE and self._reach():
            self._ask("reader", clients.reader, waiting, whole=True)
        self._judge_firmware()
        self._judge_role()
        if self._answers:
            self._judge_timing()

    # -- the way to the meter --------------------------------------------------------------------

    def _reach(self) -> bool:
        """Whether the meter is there as the profile has it, ready for a connection."""
        optical = self._dlms.sign_on
        if optical is not None and not self._sign_on(optical):
            return False
        server = self._dlms.hdlc.server
        client = HdlcAddress(self._dlms.clients.public.address)
        try:
            answerer = who_answers(Question(self._transport, self._wait), server, client)
        except Restless:
            self._nobody("the line does not fall silent")
            return False
        if answerer is None:
            self._nobody(f"nothing answers SNRM to {address_text(server)}")
            return False
        self._judge_link(answerer)
        return answerer.accepts

    def _sign_on(self, optical: SignOnProfile) -> bool:
        deadline = self._transport.clock.now() + self._wait
        try:
            said = sign_on(self._transport, optical, self._profile.line.settings, deadline)
        except SignOnFailed as failed:
            self._nobody(f"sign-on: {failed}")
            return False
        at: Path = ("dlms", "sign-on")
        offered = f"the meter offers code {said.baud_code}"
        self._ledger.settle(said.baud_code == optical.baud_code, *at, "baud-code", detail=offered)
        flag = f"the meter says {said.manufacturer}"
        self._ledger.settle(said.manufacturer == optical.flag, *at, "flag", detail=flag)
        self._ledger.confirm(*at, "address", detail="the meter answers it")
        return True

    def _judge_link(self, answerer: Answerer) -> None:
        ledger, at = self._ledger, ("dlms", "hdlc")
        detail = f"{address_text(answerer.server)} answers at {self._transport.line}"
        ledger.confirm("line", detail=detail)
        for key in ("logical", "physical", "address-octets"):
            ledger.confirm(*at, key, detail=detail)
        ledger.skip(*at, "inactivity", detail="would need waiting for its end")
        ledger.skip(*at, "repeat-after", detail="is the bench's choice")
        if not answerer.accepts:
            no = "the meter has no connection for it (DM)"
            ledger.contradict("dlms", "clients", "public", detail=no)
            return
        octets = f"the meter takes and gives {answerer.information} octets"
        enough = answerer.information >= self._dlms.hdlc.information
        ledger.settle(enough, *at, "information", detail=octets)

    def _nobody(self, why: str) -> None:
        """Nobody can tell which part of the way is wrong."""
        detail = f"{why}: one of line, sign-on and hdlc is wrong, or nobody is there"
        for path in (("line",), ("dlms", "hdlc"), ("dlms", "sign-on")):
            self._ledger.contradict(*path, detail=detail)

    # -- what it holds ---------------------------------------------------------------------------

    def _ask(
        self, named: str, client: ClientProfile, objects: list[NamedObject], *, whole: bool = False
    ) -> list[NamedObject]:
        """Reads the objects as one client, and returns those it did not get. `whole`: this client
        may see everything, so what it does not see is not there.
        """
        transport = self._transport
        port = HdlcPort(self._dlms.hdlc, None, self._profile.timing, transport.line, transport)
        at: Path = ("dlms", "clients", named)
        try:
            port.connect(client.address, transport.clock.now() + self._wait)
            asking = PublicClient(port, transport.clock, self._wait)
            self._judge_lists(asking.associate())
            for key in ("address", "security"):
                self._ledger.confirm(*at, key, detail="associated without a credential")
            return [each for each in objects if not self._read(asking, each, whole)]
        except LinkFailed as failed:
            self._ledger.contradict(*at, detail=f"no connection: {failed.detail}")
        except ConnectionLost as lost:
            self._ledger.skip(*at, detail=f"the connection was lost: {lost}")
        except NotGiven as no:
            self._ledger.contradict(*at, detail=str(no))
        finally:
            server = self._dlms.hdlc.server
            hang_up(transport, server, HdlcAddress(client.address), self._wait)
        return []

    def _read(self, asking: PublicClient, wanted: NamedObject, whole: bool) -> bool:
        """Whether the meter gave it. `ConnectionLost` ends the asking."""
        clock = self._transport.clock
        asked = clock.now()
        try:
            value = asking.get(wanted.class_id, wanted.name, wanted.index)
        except ConnectionLost:
            raise
        except NotGiven as no:
            said = str(no)
            if whole and said in _ABSENT:
                self._ledger.contradict(*wanted.path, detail=f"the meter says {said}")
            else:
                self._ledger.skip(*wanted.path, detail=f"{_NEEDS}; without, it says {said}")
            return False
        finally:
            self._slowest = max(self._slowest, clock.now() - asked)
            self._answers += 1
        text = value_text(value, clock=wanted.class_id == CLOCK)
        fits = wanted.fits(value)
        detail = f"read: {text}" if fits else f"expected {wanted.wanted}, read: {text}"
        self._ledger.settle(fits, *wanted.path, detail=detail)
        self._values[wanted.path] = text
        return True

    # -- what follows from it --------------------------------------------------------------------

    def _judge_lists(self, granted: Associated) -> None:
        offers = bool(granted.conformance & Conformance.MULTIPLE_REFERENCES)
        detail = f"its conformance {'has' if offers else 'lacks'} multiple-references"
        if self._dlms.lists or not offers:
            self._ledger.settle(offers or not self._dlms.lists, "dlms", "lists", detail=detail)
        else:
            self._ledger.skip("dlms", "lists", detail=f"{detail}; false works as well")

    def _judge_firmware(self) -> None:
        found = self._values.get(("dlms", "identity", "firmware"))
        if found is None:
            return
        for number, written_for in enumerate(self._profile.firmware):
            if written_for == found:
                self._ledger.confirm("firmware", number, detail=f"the meter runs {found}")
            elif found in self._profile.firmware:
                other = f"another than this meter's, which runs {found}"
                self._ledger.skip("firmware", number, detail=other)
            else:
                self._ledger.contradict("firmware", number, detail=f"the meter runs {found}")

    def _judge_role(self) -> None:
        for number, register in enumerate(self._dlms.registers):
            role = _FUELS.get(register.object.partition(".")[0])
            if role is not None and ("dlms", "registers", number, "object") in self._values:
                detail = f"{register.object} is a register of an {role}".replace("an gas", "a gas")
                self._ledger.settle(role == self._profile.role, "role", detail=detail)
                return
        self._ledger.skip("role", detail="a DLMS meter does not state it")

    def _judge_timing(self) -> None:
        timing = self._profile.timing
        detail = f"the slowest of {self._answers} answers took {format_duration(self._slowest)}"
        for key, span in (("reply-timeout", timing.reply_timeout), ("quiet", timing.quiet)):
            self._ledger.settle(self._slowest < span, "timing", key, detail=detail)

"""What the command line does with identification: the entry point `identification`."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import UsageError
from bench.units import Micros
from drivers.codecs.errors import LocalProtocolError
from drivers.codecs.hdlc import HdlcAddress
from drivers.identification.asking import CountedTransport
from drivers.identification.drafting import draft
from drivers.identification.findings import Findings
from drivers.identification.listening import Overheard, overhear
from drivers.identification.opening import MakeDevice, opened
from drivers.identification.sweep import ALLOWANCE, STEPS, Plan, Say, Speech, Sweep
from drivers.identification.wording import as_json, overheard_json, overheard_report, report
from drivers.transport.line import LineSettings

__all__ = [
    "ALLOWANCE",
    "SPEECHES",
    "Findings",
    "Overheard",
    "as_json",
    "draft",
    "identify",
    "lines",
    "listen",
    "overheard_json",
    "overheard_report",
    "plan",
    "report",
    "servers",
    "units",
]

SPEECHES = tuple(str(speech) for speech in Speech)


def identify(
    port: str, what: Plan, allowance: int, make_device: MakeDevice, say: Say
) -> tuple[Findings, str | None]:
    """What is at the port, and a drafted profile where a driver of the bench speaks it.

    `emu:PROFILE` is a new emulated device in memory, in virtual time. Raises `PortGone`, `Busy`,
    `UsageError`.
    """
    with opened(port, what.steps[0][0], make_device) as transport:
        findings = Sweep(CountedTransport(transport, allowance), what, say).run()
    return findings, None if findings.found is None else draft(findings.found, port)


def listen(
    port: str, on: Sequence[LineSettings], span: Micros, make_device: MakeDevice, say: Say
) -> Overheard:
    """Hears what passes for `span`; sends nothing. Raises as `identify` does."""
    heard_on = on or tuple(line for line, _ in STEPS)
    with opened(port, heard_on[0], make_device) as transport:
        return overhear(CountedTransport(transport, 0), heard_on, span, say)


def plan(
    on: Sequence[LineSettings],
    speeches: Sequence[str],
    servers_: Sequence[HdlcAddress],
    units_: Sequence[int],
    wait: Micros,
) -> Plan:
    """The usual plan, narrowed to what was asked for. `UsageError`: nothing is left to try."""
    usual = Plan()
    steps = Plan.for_lines(on) if on else usual.steps
    if speeches:
        steps = Plan.only(steps, [Speech(speech) for speech in speeches])
    if not steps:
        raise UsageError("nothing is left to try: optical needs 7 data bits, the others 8")
    return Plan(steps, servers_ or usual.servers, units_ or usual.units, wait)


def lines(given: Sequence[str]) -> list[LineSettings]:
    """`9600 8N1`, `300 7E1`."""
    try:
        return [LineSettings.parse(text) for text in given]
    except ValueError as error:
        raise UsageError(f"--line: expected {error}") from None


def servers(given: Sequence[str]) -> list[HdlcAddress]:
    """`1`, `1/17`, `1/8000`."""
    return [_server(text) for text in given]


def _server(text: str) -> HdlcAddress:
    upper, slash, lower = text.partition("/")
    try:
        return HdlcAddress(int(upper), int(lower) if slash else None)
    except (ValueError, LocalProtocolError):
        raise UsageError(
            f"--server: expected LOGICAL or LOGICAL/PHYSICAL such as 1/17, got {text!r}"
        ) from None


def units(given: str) -> list[int]:
    """`1-3,17`."""
    found: list[int] = []
    for part in given.split(",") if given else ():
        first, _, last = part.partition("-")
        try:
            span = range(int(first), int(last or first) + 1)
        except ValueError:
            span = range(0)
        if not span or span[0] < 1 or span[-1] > 247:
            raise UsageError(f"--units: expected numbers of 1 to 247 such as 1-3,17, got {part!r}")
        found += span
    return found

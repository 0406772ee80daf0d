"""A device profile drafted from what was found: what is not known is marked `unknown:`.

The text is a profile that `read_profile` accepts, so that it can be corrected line by line and
tried with `profile check`. Nothing that was not read is written as if it had been.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from bench.printable import printable
from bench.shipped import find
from drivers.identification.findings import (
    ConsoleFound,
    Found,
    MeterFound,
    ModbusFound,
    PublicAssociation,
    ReadAttribute,
    UnitFound,
)
from drivers.identification.hdlc_probe import PUBLIC_CLIENT
from drivers.identification.meter_reading import (
    CLOCK,
    DATA,
    DISCONNECTOR,
    SECURITY_SETUP,
    is_register,
)
from drivers.transport.line import LineSettings

_FIRMWARE, _SERIAL, _EUI64 = "1.0.0.2.0.255", "0.0.96.1.0.255", "0.0.96.1.1.255"
_MAKER, _MODEL = "0.0.96.1.2.255", "0.0.96.1.3.255"
_LEAST_INFORMATION = 32
_QUIET_OF_A_SIGN_ON = "70s"


def draft(found: Found, port: str, name: str = "drafted") -> str | None:
    """The profile's text; None where no driver of the bench speaks what was found."""
    match found:
        case MeterFound():
            lines = _meter(found) if found.server is not None else None
        case ConsoleFound():
            lines = _console(found) if found.dialect else None
        case ModbusFound():
            lines = _modbus(found)
    if lines is None:
        return None
    head = [
        f"# Drafted by `smets1-bench identify` from what answered at {_comment(port)}.",
        "# Lines marked 'unknown:' were not read from the device. Correct them, then run",
        "# `smets1-bench profile check FILE --port PORT`.",
        f"profile: {_text(name)}",
        f"about: {_text('drafted, not checked')}",
    ]
    return "\n".join((*head, *lines, ""))


# -- meters ----------------------------------------------------------------------------------------


def _meter(found: MeterFound) -> Iterator[str]:
    server, signed_on = found.server, found.signed_on
    assert server is not None, "the caller looked"
    public = found.public or PublicAssociation()
    yield _role(public)
    yield from _firmware(public.value(_FIRMWARE))
    yield f"line: {_line(found.line)}  # found"
    quiet = _QUIET_OF_A_SIGN_ON if signed_on is not None and signed_on.hdlc else "12s"
    yield f"timing: {{reply-timeout: 10s, quiet: {quiet}}}  # unknown: how slow its answers can be"
    yield "dlms:"
    information = max(_LEAST_INFORMATION, found.information)
    physical = "" if server.lower is None else f"physical: {server.lower}, "
    yield (
        f"  hdlc: {{logical: {server.upper}, {physical}address-octets: {server.size}, "
        f"information: {information}, inactivity: 60s}}  # found; unknown: inactivity"
    )
    if signed_on is not None and signed_on.hdlc:
        name = signed_on.identification
        flag = _text(name.manufacturer)
        yield f'  sign-on: {{baud-code: "{name.baud_code}", flag: {flag}}}  # found'
    yield '  client-title: "534D420000000001"  # yours: any eight octets that the meter accepts'
    yield f"  lists: {_yes('multiple-references' in public.services)}  # as its conformance says"
    yield from _clients(public)
    yield from _identity(public)
    yield from _objects(public)


def _role(public: PublicAssociation) -> str:
    """By the first number of its registers' names: 1 electricity, 7 gas."""
    fuels = {each.name.partition(".")[0] for each in public.objects or () if is_register(each)}
    role = "gas-meter" if fuels == {"7"} else "electricity-meter"
    known = "by its registers" if fuels else "unknown: a DLMS meter does not state it"
    return f"role: {role}  # {known}"


def _firmware(found: str | None) -> Iterator[str]:
    if found is None:
        yield "firmware: []  # unknown: not readable without credentials; any is accepted"
    else:
        yield f"firmware: [{_text(found)}]  # read"


def _clients(public: PublicAssociation) -> Iterator[str]:
    yield "  clients:"
    granted = "read" if not public.refusal else f"refused: {_comment(public.refusal)}"
    yield f"    public: {{address: {PUBLIC_CLIENT}, security: none}}  # {granted}"
    counters = [each for each in _readable(public, DATA) if each.name.startswith("0.0.43.1.")]
    for each in counters:
        yield f"    # {each.name} is an invocation counter; it read {_comment(each.value or '')}"
    counter = counters[0].name if counters else "0.0.43.1.0.255"
    yield (
        f'    reader: {{address: 32, security: hls-gmac, counter: "{counter}"}}'
        "  # unknown: which client reads, how it is secured, which counter is its"
    )


def _identity(public: PublicAssociation) -> Iterator[str]:
    yield "  identity:"
    for key, name in (
        ("serial-number", _SERIAL),
        ("eui64", _EUI64),
        ("manufacturer", _MAKER),
        ("model", _MODEL),
        ("firmware", _FIRMWARE),
    ):
        yield f'    {key}: "{name}"{_was(public, name)}'
    device_name = public.value("0.0.42.0.0.255")
    if device_name is not None:
        yield f"    # logical device name (0.0.42.0.0.255): {_comment(device_name)}"
    if public.title:
        yield f"    # system title: {_comment(public.title)}"


def _objects(public: PublicAssociation) -> Iterator[str]:
    listed = public.objects or ()
    clock = next((each.name for each in listed if each.class_id == CLOCK), "0.0.1.0.0.255")
    yield f'  clock: "{clock}"{_was(public, clock)}'
    registers = [each.name for each in listed if is_register(each)]
    if registers:
        yield "  registers:"
        for number, name in enumerate(registers):
            label = "import" if number == 0 else f"register-{number + 1}"
            yield f'    - {{name: {label}, object: "{name}"}}{_was(public, name)}'
    else:
        yield "  registers: []  # unknown: none is readable without credentials"
    supply = next((each.name for each in listed if each.class_id == DISCONNECTOR), "")
    if supply:
        yield f'  supply: "{supply}"{_was(public, supply, 3)}'
    setup = next((each.name for each in listed if each.class_id == SECURITY_SETUP), "")
    if setup:
        yield f'  security-setup: "{setup}"  # listed'
    yield "  # unknown: payment, key-slots, refusals. See docs/drivers.md."


def _readable(public: PublicAssociation, class_id: int) -> list[ReadAttribute]:
    return [each for each in public.read if each.class_id == class_id and each.value is not None]


def _was(public: PublicAssociation, name: str, index: int = 2) -> str:
    """The comment that says what is known of an object."""
    for each in public.read:
        if each.name == name and each.index == index:
            if each.value is not None:
                return f"  # read: {_comment(each.value)}"
            return f"  # unknown: {_comment(each.refusal)}"
    if any(each.name == name for each in public.objects or ()):
        return "  # listed"
    return "  # unknown: not seen by the public client; a usual place"


# -- consoles and bench kit ------------------------------------------------------------------------


def _console(found: ConsoleFound) -> Iterator[str]:
    """The shipped profile whose dialect answered, on the line and with the firmware found."""
    shipped = yaml.safe_load(find("devices", found.dialect).read_text(encoding="utf-8"))
    yield f"role: {shipped['role']}  # of {found.dialect}, whose 'identify' it answered"
    yield from _firmware(found.identity.get("firmware"))
    yield f"line: {_line(found.line)}  # found"
    yield "timing: {reply-timeout: 10s, quiet: 12s}  # unknown: how slow its answers can be"
    for key, value in found.identity.items():
        yield f"# {_comment(key.replace('_', '-'))}: {_comment(value)}"
    yield f"# unknown: every command but 'identify' is as in {found.dialect} and was not tried"
    section = {"console": shipped["console"]}
    yield yaml.safe_dump(section, sort_keys=False, allow_unicode=True, width=100).rstrip()


def _modbus(found: ModbusFound) -> Iterator[str]:
    unit, *others = found.units
    has_coils = unit.tables["coils"] > 0
    yield f"role: {'relay-board' if has_coils else 'reference-meter'}  # by its tables"
    yield "firmware: []"
    yield f"line: {_line(found.line)}  # found"
    yield "timing: {reply-timeout: 500ms, quiet: 2s}  # unknown: how slow its answers can be"
    for key, value in unit.identity.items():
        yield f"# {_comment(key)}: {_comment(value)}"
    for other in others:
        yield f"# unit {other.unit} answers on the same line and needs a profile of its own"
    yield "modbus:"
    yield f"  unit: {unit.unit}  # found"
    yield from _relays(unit) if has_coils else _quantities(unit)


def _relays(unit: UnitFound) -> Iterator[str]:
    inputs = unit.tables["discrete-inputs"] > 0
    yield "  relay-board:"
    yield f"    channels: {unit.tables['coils']}  # coils from 0 on that can be read, up to 32"
    yield "    first-coil: 0"
    yield "    closed-when: false  # unknown: whether a coil that is off feeds; see the wiring"
    yield f"    read-back: {'inputs' if inputs else 'coils'}  # by its tables"
    yield "    first-input: 0"


def _quantities(unit: UnitFound) -> Iterator[str]:
    table = "input" if unit.tables["input-registers"] else "holding"
    place = f"table: {table}, form: u16, scale: -1"
    yield "  reference-meter:"
    for number, quantity in enumerate(("voltage", "power", "energy")):
        yield f"    {quantity}: {{address: {number}, {place}}}  # unknown: see the manual"
    yield "    uncertainty: 0.01  # unknown: see its calibration certificate"


# -- text ------------------------------------------------------------------------------------------


def _line(line: LineSettings) -> str:
    return (
        f'{{baud: {line.baud}, data-bits: {line.data_bits}, parity: "{line.parity}", '
        f"stop-bits: {line.stop_bits}}}"
    )


def _text(value: str) -> str:
    """Quoted: what a device says must not become YAML."""
    return f'"{_comment(value)}"'


def _comment(value: str) -> str:
    """On one line and in ASCII, whatever a device says; what cannot be shown is U+FFFD."""
    return "".join(
        each if " " <= each <= "~" and each not in '"\\' else f"\\U{ord(each):08X}"
        for each in printable(value)
    )


def _yes(value: bool) -> str:
    return "true" if value else "false"

"""What the command line does with captures. The entry point `capture` of the drivers' group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.clock import VirtualClock, WallClock
from bench.errors import UsageError
from bench.secret import Secret
from drivers.capture.decoding import decode
from drivers.capture.differing import (
    Found,
    Thresholds,
    difference_json,
    difference_lines,
    differences,
)
from drivers.capture.listing import as_json, listing
from drivers.capture.messages import Item, Language
from drivers.capture.records import CaptureFile, CaptureRecord, whole_capture
from drivers.capture.replaying import Replayed, first_line, only_port, replay
from drivers.capture.sessions import only_scenario, sessions
from drivers.capture.tape import fit
from drivers.profiles.profile import Profile, read_profile
from drivers.transport.address import Scheme
from drivers.transport.memory import MemoryPort, WirePeer
from drivers.transport.opening import open_transport

__all__ = [
    "Thresholds",
    "as_json",
    "count_text",
    "difference_json",
    "difference_lines",
    "differences",
    "fit",
    "listing",
    "messages",
    "only_port",
    "only_scenario",
    "replay_against",
    "save",
    "secret_from_file",
    "sessions",
    "whole_capture",
]


def messages(records: Iterable[CaptureRecord], protocol: str | None) -> list[Item]:
    """`protocol`: one of `Language`; None: found out for each port."""
    return decode(records, None if protocol is None else Language(protocol))


def replay_against(
    records: list[CaptureRecord],
    against: str,
    secrets: Mapping[str, Secret],
    make_device: Callable[[Profile, MemoryPort], WirePeer],
) -> Replayed:
    """Opens the port with the line settings the session began with, replays, closes.

    `emu:PROFILE` is a new emulated device in memory, by `make_device`, in virtual time from when
    the session began. Anything else is a port of this machine, in real time.
    """
    settings = first_line(records)
    scheme, _, name = against.partition(":")
    if scheme != Scheme.EMU:
        return replay(records, open_transport(against, settings, WallClock()), secrets)
    clock = VirtualClock(records[0].at)
    profile = read_profile(name)
    port = MemoryPort(name, clock, profile.line.settings)
    port.attach(make_device(profile, port))
    return replay(records, port.connect(settings), secrets)


def save(records: Iterable[CaptureRecord], path: Path) -> None:
    """Adds the records to the file, which only its owner may read."""
    file = CaptureFile(path)
    try:
        for record in records:
            file.store(record)
    finally:
        file.close()


def secret_from_file(given: str) -> tuple[str, Secret]:
    """`NAME=FILE`: the key in hexadecimal, from a file, so that no command line shows it."""
    name, equals, file = given.rpartition("=")
    if not equals or not name or not file:
        raise UsageError("--secret: expected NAME=FILE, with the key in hexadecimal in the file")
    try:
        octets = bytes.fromhex(Path(file).read_text(encoding="ascii"))
    except OSError as error:
        raise UsageError(f"--secret {name}: {file}: {error.strerror}") from None
    except ValueError:
        octets = b""
    if not octets:
        raise UsageError(f"--secret {name}: {file}: expected hexadecimal digits")
    return name, Secret(octets, name)


def count_text(found: list[Found]) -> str:
    """`3 differences`"""
    return f"{len(found)} difference{'' if len(found) == 1 else 's'}"

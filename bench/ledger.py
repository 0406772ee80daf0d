"""What the devices of a station have been put through, over all runs: a file beside the station's.

Per device, by EUI-64: the key it was proven to hold (as a check value), the newest command counter
it was sent, how many wrong keys in a row it may have counted, SMS that were paid for. Never a key.
Emulated devices begin anew with each scenario, so nothing is kept of those in this program.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Final

from bench.devices import KeySlot
from bench.effects import Act
from bench.emulation import DeviceTruth
from bench.errors import BenchError, Refused, UsageError
from bench.plain_file import open_plain

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """`key`: its check value, empty where none was proven. `counter`: the newest it was sent.

    `wrong_keys`: how many it may have counted since it last proved one. `wake_ups`: SMS paid for.
    """

    name: str
    key: str = ""
    counter: int = 0
    rotations: int = 0
    wrong_keys: int = 0
    wake_ups: int = 0
    scenarios: int = 0
    updated: str = ""


@dataclass(frozen=True, slots=True)
class OpenScenario:
    """`before`: the entries as it began, by EUI-64; None: the ledger did not know the device."""

    scenario: str
    before: Mapping[str, Entry | None]


@dataclass(slots=True)
class Ledger:
    """The entries by EUI-64. Not shared between processes: the station's ports are locked.

    `open_`: a scenario that was stopped in the middle, and the entries of its devices before it:
    taken up again it is counted from there, since all its requests are then counted once more.
    """

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    open_: OpenScenario | None = None

    def begin(self, scenario: str, devices: Iterable[str], *, again: bool) -> None:
        """Before the devices, by EUI-64, are put through it. `scenario`: unlike any other's.

        `again`: it was stopped and is taken up; what was counted of it is forgotten, to be counted
        with the rest.
        """
        if again and self.open_ is not None and self.open_.scenario == scenario:
            for eui64, before in self.open_.before.items():
                self.entries.pop(eui64, None)
                self.entries |= {} if before is None else {eui64: before}
        self.open_ = OpenScenario(scenario, {eui64: self.entries.get(eui64) for eui64 in devices})

    def add(
        self,
        name: str,
        eui64: str,
        acts: Iterable[Act],
        after: DeviceTruth,
        at: str,
        returning: Iterable[Act] = (),
        *,
        denied: int = 0,
    ) -> None:
        """What was begun has ended or was stopped; these requests were made to the device.

        `after`: what it held after `acts`, before those that returned it to what it was.
        `denied`: keys it said no to when that was found out.
        """
        entry = self.entries.get(eui64, Entry(name))
        for act in acts:
            entry = _counted(entry, act)
        held = after.keys.get(KeySlot.SUA)
        if held is not None:
            entry = replace(entry, key=held.check_value, wrong_keys=0)
        entry = replace(entry, wrong_keys=entry.wrong_keys + denied)
        for act in returning:
            entry = _counted(entry, act)
        self.entries[eui64] = replace(entry, name=name, scenarios=entry.scenarios + 1, updated=at)

    def write(self) -> None:
        """Whole or not at all, readable by its owner only. Raises `BenchError`."""
        text = json.dumps(
            {
                "format": FORMAT,
                "devices": {eui64: asdict(entry) for eui64, entry in self.entries.items()},
                "open": self.open_ and asdict(self.open_),
            },
            indent=1,
        )
        unfinished = self.path.with_name(f"{self.path.name}.unfinished")
        try:
            unfinished.touch(mode=0o600)
            unfinished.write_text(text + "\n", encoding="utf-8")
            unfinished.replace(self.path)
        except OSError as error:
            raise BenchError(
                f"{self.path}: cannot be written: {error.strerror}",
                hint="the ledger stands beside the station file: make its folder writable",
            ) from None


def _counted(entry: Entry, act: Act) -> Entry:
    if act.operation == "rotate_key":
        counter = max(entry.counter, act.given[2])
        return replace(entry, counter=counter, rotations=entry.rotations + 1)
    if act.operation == "wake":
        return replace(entry, wake_ups=entry.wake_ups + 1)
    if act.operation == "prove_key" and not isinstance(act.answer, Refused):
        if act.answer is not True:
            return replace(entry, wrong_keys=entry.wrong_keys + 1)
        return replace(entry, wrong_keys=0, key=act.given[1].check_value)
    return entry


def beside(station: Path) -> Path:
    """Where the ledger of a station file is."""
    return station.with_name(f"{station.stem}.ledger.json")


def read_ledger(path: Path) -> Ledger:
    """An empty one where there is no file. Raises `UsageError` where it is no ledger."""
    try:
        with open_plain(path) as file:
            data = json.load(file)
    except FileNotFoundError:
        return Ledger(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _unreadable(path, f"expected format {FORMAT}")
    devices = data.get("devices")
    if not isinstance(devices, dict):
        raise _unreadable(path, "expected devices by EUI-64")
    entries = {str(eui64): _entry(path, eui64, each) for eui64, each in devices.items()}
    return Ledger(path, entries, _open(path, data.get("open")))


def _open(path: Path, data: object) -> OpenScenario | None:
    if data is None:
        return None
    match data:
        case {"scenario": str(scenario), "before": dict(before), **other} if not other:
            known = {
                str(eui64): None if each is None else _entry(path, eui64, each)
                for eui64, each in before.items()
            }
            return OpenScenario(scenario, known)
    raise _unreadable(path, "open: expected a scenario and the entries before it")


def _entry(path: Path, eui64: str, data: object) -> Entry:
    known = {each.name: type(getattr(Entry(""), each.name)) for each in fields(Entry)}
    if not isinstance(data, Mapping) or set(data) != set(known):
        raise _unreadable(path, f"{eui64}: expected {', '.join(known)}")
    wrong = [name for name, kind in known.items() if type(data[name]) is not kind]
    if wrong:
        raise _unreadable(path, f"{eui64}: {wrong[0]}: got {data[wrong[0]]!r}")
    return Entry(**data)


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path}: no ledger of this bench: {why}",
        hint="it says what the devices were put through: mend it, or move it away to begin anew",
    )

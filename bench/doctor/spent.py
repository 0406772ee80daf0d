"""What the station's ledger says of each device, beside the station's budgets."""

from __future__ import annotations

from collections.abc import Iterator

from bench.devices import Role
from bench.doctor.finding import Condition, Finding
from bench.errors import UsageError
from bench.ledger import Entry, Ledger, beside, read_ledger
from bench.shipped import find
from bench.station.form import Budgets, Station


def spent(station: Station, named: str) -> Iterator[Finding]:
    """One finding for each device of the station that the ledger knows; `named`: the station."""
    if not station.real or station.installation is None:
        return
    try:
        ledger = read_ledger(beside(find("stations", named)))
    except UsageError as error:
        yield Finding("ledger", Condition.FAULTY, str(error), error.hint or "mend it")
        return
    for name, device in station.installation.devices.items():
        entry = ledger.entries.get(device.eui64)
        if entry is not None:
            yield _of(name, device.role, entry, station.budgets, ledger)


def _of(name: str, role: Role, entry: Entry, budgets: Budgets, ledger: Ledger) -> Finding:
    said = [f"{entry.scenarios} scenarios over all runs"]
    over = False
    if role is Role.COMMS_HUB:
        of = "" if budgets.wake_ups is None else f" of {budgets.wake_ups}"
        said.append(f"{entry.wake_ups}{of} wake-up SMS")
        over = budgets.wake_ups is not None and entry.wake_ups >= budgets.wake_ups
    elif role in (Role.ELECTRICITY_METER, Role.GAS_METER):
        said.append(f"{entry.rotations} rotations, command counter {entry.counter}")
        said.append(f"{entry.wrong_keys} of {budgets.wrong_keys} wrong keys since it proved one")
        over = entry.wrong_keys >= budgets.wrong_keys
    if not over:
        return Finding(f"ledger of {name}", Condition.OK, "; ".join(said))
    step = "raise the station's budgets, or mend the ledger once you know better: "
    return Finding(
        f"ledger of {name}",
        Condition.ATTENTION,
        f"{'; '.join(said)}: scenarios that spend more of it are not run",
        f"{step}{ledger.path.name}",
    )

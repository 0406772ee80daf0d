"""What must hold before a scenario touches the kit."""

from __future__ import annotations

from typing import Final

from bench.devices import KeySlot
from bench.emulation import Truth, Unknown
from bench.errors import PeerError
from bench.migration.sections import PROCESS
from bench.parties import Holder
from bench.scenario.keeping import Keeping
from bench.staging import Stage
from bench.station.fitting import cut_at_the_relay

ROTATION: Final = "2.6.4.1"


def endangered(stage: Stage) -> str:
    """Why the kit could be lost by this run: a key that only this process would know, mains off."""
    installation = stage.plot.prepared.installation
    faults, station = stage.plot.prepared.scenario.faults, stage.plot.station
    if stage.cuts is None and any(cut_at_the_relay(fault, station) for fault in faults):
        return "it cuts mains, and without a run's folder nothing would put them back"
    if all(section.section != ROTATION for section in PROCESS[installation.group]):
        return ""
    if stage.keys_survive or all(stage.emulated(device.name) for device in installation.meters):
        return ""
    return "it rotates keys of real meters, and no key store would keep them if the run died"


def unmet(stage: Stage, before: Truth) -> str:
    """Why a real meter is not as the scenario takes it to be: it answers, and holds another key.

    The one that the bench has for it is then not kept as that of the meter.
    """
    strangers = [
        meter.name
        for meter in stage.plot.prepared.installation.meters
        if (meter.name, KeySlot.SUA) in stage.held
        and stage.read_back.get(meter.name) is not None
        and Unknown.KEYS in before.devices[meter.name].unknown
        and stage.read_back[meter.name].denied
    ]
    if not strangers:
        return ""
    for name in strangers:
        stage.keys.disprove(name, KeySlot.SUA)
    return (
        f"its preconditions do not hold: {' and '.join(strangers)} proved none of the keys that "
        "the bench has for it"
    )


def prepare_account(stage: Stage, keeping: Keeping) -> str:
    """Brings the account to where the preconditions want it; returns why it is not there."""
    wanted = stage.plot.prepared.scenario.preconditions.account
    if wanted is Holder.SMSO:
        return ""
    try:
        keeping.request("SMSO", "transfer_account", stage.world.parties.smso.transfer_account)
    except PeerError as error:
        if stage.world.truth().account is not wanted:
            return f"the account could not be brought to the {wanted}: {error}"
    return ""

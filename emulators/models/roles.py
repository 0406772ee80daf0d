"""Which model stands for which role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bench.devices import Role
from emulators.models.comms_hub import CommsHub
from emulators.models.electricity_meter import ElectricityMeter
from emulators.models.gas_meter import GasMeter
from emulators.models.ihd import InHomeDisplay
from emulators.models.reference_meter import ReferenceMeter
from emulators.models.relay_board import RelayBoard

MODELS: Final[Mapping[Role, type]] = {
    Role.ELECTRICITY_METER: ElectricityMeter,
    Role.GAS_METER: GasMeter,
    Role.COMMS_HUB: CommsHub,
    Role.IHD: InHomeDisplay,
    Role.RELAY_BOARD: RelayBoard,
    Role.REFERENCE_METER: ReferenceMeter,
}

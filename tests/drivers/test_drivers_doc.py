"""The profile in docs/drivers.md is one, and a meter emulated by it answers its driver."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.devices import KeySlot
from bench.errors import Refused
from bench.secret import Secret
from drivers.dlms_meter import DlmsMeter as Driver
from drivers.profiles.dlms_keys import demo_meter_keys
from drivers.profiles.profile import read_profile
from drivers.transport.memory import MemoryPort
from emulators.wire.dlms_meter import DlmsMeter
from tests.wire.kit_on_wire import home

DOC = Path(__file__).parents[2] / "docs" / "drivers.md"


def test_the_profile_of_the_docs_works(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    (mine,) = [block for block in blocks if block.startswith("profile: my-meter")]
    path = tmp_path / "my-meter.yaml"
    path.write_text(mine, encoding="utf-8")
    profile = read_profile(str(path))
    place = home()
    model, keys = place.electricity, demo_meter_keys(place.electricity.spec.eui64)
    model.spec = replace(model.spec, firmware=profile.firmware[0])
    port = MemoryPort("meter", place.clock, profile.line.settings)
    port.attach(DlmsMeter(model, profile, keys, port))
    meter = Driver("meter", profile, port.connect(port.line), keys)
    assert meter.identify() == model.identity()
    assert meter.read_registers().values == model.read_registers().values
    assert meter.prove_key(KeySlot.SUA, Secret(bytes(16), "held")) is True
    meter.rotate_key(KeySlot.SUA, Secret(b"\x51" * 16, "new"), 1)
    with pytest.raises(Refused, match="not-in-profile"):
        meter.read_payment()

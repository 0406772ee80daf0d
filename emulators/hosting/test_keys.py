"""What a foreign client must know to talk to hosted meters, in a file for it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bench.devices import KeySlot
from bench.errors import BenchError, Problem, UsageError
from bench.secret import Secret
from drivers.profiles.dlms_keys import demo_meter_keys
from emulators.models.meter import Meter


def write_test_keys(path: Path, meters: Mapping[str, Meter]) -> None:
    """Hexadecimal by meter and purpose; passwords as text. `UsageError`: the file exists."""
    text = json.dumps(
        {
            "warning": "test keys of emulated meters: public, they protect nothing",
            "meters": {name: _keys_of(meter) for name, meter in meters.items()},
        },
        indent=1,
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise UsageError(Problem(str(path), "exists already; name another file")) from None
    except OSError as error:
        raise BenchError(f"{path}: cannot be written: {error.strerror}") from None


def _keys_of(meter: Meter) -> Mapping[str, str]:
    keys = demo_meter_keys(meter.spec.eui64)
    shared: dict[str, Secret | None] = {
        "authentication": keys.authentication,
        "reader": keys.reader,
        "management": keys.management,
        "master": keys.master,
        **{str(slot): meter.keys.held(slot) for slot in KeySlot if slot in meter.keys.slots},
    }
    named = {name: key.reveal().hex() for name, key in shared.items() if key is not None}
    if keys.password is not None:
        named["password"] = keys.password.reveal().decode("ascii")
    return named

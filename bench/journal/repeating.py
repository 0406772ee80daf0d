"""Which acts may be made a second time when nobody knows whether they were made the first time.

Whatever is not named here changes something: interrupted, it is ambiguous, and the process settles
it by the probe that the contract of the operation names (`bench.devices`, `bench.parties`).
"""

from __future__ import annotations

from typing import Final

QUESTIONS: Final = frozenset(
    {
        # devices
        *("identify", "read_clock", "read_registers", "supply_state", "read_payment"),
        *("key_state", "prove_key", "wan_state", "han_devices", "diagnostics"),
        *("mirrored_registers", "display_state"),
        # bench kit
        *("channel_closed", "measure"),
        # parties
        *("account_holder", "listed_devices", "calendar", "validate", "chf_updated"),
        "validate_common",
    }
)
"""They only ask."""

REPEATABLE: Final = QUESTIONS | {"set_channel"}
"""Asked or done twice, they leave what once leaves: a relay is switched and read back."""

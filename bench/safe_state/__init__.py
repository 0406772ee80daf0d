"""Kit is left as it was found, whatever ends the run (docs/journal.md).

An undo is registered before the act that leaves kit in a dangerous or odd state. It is done when
the run ends, well or not; if the process is killed, by a small process that watches it.
"""

from bench.safe_state.guarding import GuardedHub, GuardedPowerSwitch
from bench.safe_state.keeping import SafeState
from bench.safe_state.undo import CloseJoining, Noted, ReleasePlace, SetRelay, Undo

__all__ = [
    "CloseJoining",
    "GuardedHub",
    "GuardedPowerSwitch",
    "Noted",
    "ReleasePlace",
    "SafeState",
    "SetRelay",
    "Undo",
]

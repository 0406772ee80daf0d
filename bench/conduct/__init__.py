"""How the devices of a scenario conducted themselves: what each must keep, and where it did not.

Judged by what the devices answered (`answers`, `keys`, `clocks`) and by what is really so before
and after (`states`); what a device is made of, or who wrote it, is never asked. So a good device
with a bad answer and a bad device look alike, on emulated and on real kit.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.conduct.answers import answers
from bench.conduct.breach import Breach, Watched
from bench.conduct.clocks import clocks
from bench.conduct.keys import keys
from bench.conduct.states import states

__all__ = ["Breach", "Watched", "breaches"]


def breaches(watched: Watched, witnessed: Sequence[Breach] = ()) -> list[Breach]:
    """Each kind of breach once for a device, the first one seen; in the order of time.

    What is of answers is left out for a device that a fault of the scenario strikes. `witnessed`:
    what an instrument beside the devices saw.
    """
    found: dict[tuple[str, str], Breach] = {}
    seen = [*keys(watched), *clocks(watched), *answers(watched), *states(watched), *witnessed]
    for breach in sorted(seen, key=lambda each: watched.ended if each.at is None else each.at):
        if not (breach.what.of_answers and breach.device in watched.struck):
            found.setdefault((breach.device, breach.what), breach)
    return list(found.values())

"""`python rules_by_peer.py PEER TRACE`: one ordering rule on a trace, by others' monitors.

The rule: an MCF is generated only after an accepted authorisation of the same installation. Run by
the interpreter that has the peers (benchmarks/peers.txt), so nothing of the bench is imported.
Prints one JSON object: the peer's version, seconds of CPU for reading the file and judging it
(importing the peer is left out), and the installations that break the rule.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

Facts = dict[str, list[tuple[str, bool, bool]]]
"""By installation, of each event in order: when, whether it authorises, whether it is an MCF."""


def facts(path: Path) -> Facts:
    found: Facts = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            authorises = event["event"] == "authorisation" and event["outcome"] == "accepted"
            generated = (event["event"], event.get("file"), event.get("action"))
            is_mcf = generated == ("file", "MCF", "generated")
            found.setdefault(event["installation"], []).append((event["at"], authorises, is_mcf))
    return found


def by_loop(events: Facts) -> Iterator[str]:
    """The limit: a plain loop."""
    for installation, each in events.items():
        authorised = False
        for _, authorises, is_mcf in each:
            authorised = authorised or authorises
            if is_mcf and not authorised:
                yield installation
                break


def by_reelay(events: Facts) -> Iterator[str]:
    """One monitor for all of them, by its quantifier over data."""
    import reelay

    once = "once{authorised: true, of: *each}"
    pattern = "forall[each]. ({mcf: true, of: *each} -> " + once + ")"
    monitor = reelay.discrete_timed_monitor(pattern=pattern, condense=False)
    for installation, each in events.items():
        said = [monitor.update({"of": installation, "authorised": a, "mcf": m}) for _, a, m in each]
        if not all(verdict["value"] for verdict in said):
            yield installation


def by_rtamt(events: Facts) -> Iterator[str]:
    """Signals over the events of each installation, and a past formula over them."""
    import rtamt

    specification = rtamt.StlDiscreteTimeSpecification()
    specification.declare_var("authorised", "float")
    specification.declare_var("mcf", "float")
    specification.declare_var("holds", "float")
    specification.spec = "holds = historically((mcf < 0.5) or once(authorised > 0.5))"
    specification.parse()
    for installation, each in events.items():
        data = {
            "time": list(range(len(each))),
            "authorised": [float(a) for _, a, _ in each],
            "mcf": [float(m) for _, _, m in each],
        }
        if specification.evaluate(data)[-1][1] < 0:
            yield installation


def by_pm4py(events: Facts) -> Iterator[str]:
    """A data frame of activities, and Declare's precedence."""
    import pandas
    import pm4py

    rows = [
        (installation, "authorised" if a else "mcf" if m else "other", at)
        for installation, each in events.items()
        for at, a, m in each
    ]
    log = pandas.DataFrame(rows, columns=["case:concept:name", "concept:name", "time:timestamp"])
    log["time:timestamp"] = pandas.to_datetime(log["time:timestamp"], format="ISO8601", utc=True)
    model = {"precedence": {("authorised", "mcf"): {"support": 1, "confidence": 1}}}
    table = pm4py.conformance_declare(log, model, return_diagnostics_dataframe=True)
    yield from table.loc[table["no_dev_total"] > 0, "case_id"]


PEERS: dict[str, Callable[[Facts], Iterator[str]]] = {
    "loop": by_loop,
    "pm4py": by_pm4py,
    "reelay": by_reelay,
    "rtamt": by_rtamt,
}


def main() -> None:
    peer, path = sys.argv[1], Path(sys.argv[2])
    with contextlib.redirect_stdout(sys.stderr):  # pm4py greets
        if peer != "loop":
            importlib.import_module(peer)
        said = judged(peer, path)
    print(json.dumps(said))


def judged(peer: str, path: Path) -> dict[str, object]:
    began = time.process_time()
    events = facts(path)
    breaking = sorted(PEERS[peer](events))
    return {
        "version": "" if peer == "loop" else version(peer),
        "cpu_s": time.process_time() - began,
        "breaking": breaking,
    }


if __name__ == "__main__":
    main()

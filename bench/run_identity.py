"""What must be the same when a run is taken up again (`bench.journal.run_head`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from bench.certificate import strategy_record
from bench.journal.run_head import Ordered, RunHead, fingerprint, process_fingerprint
from bench.shipped import find
from bench.station.form import Station
from bench.suite_reading import PreparedScenario
from bench.tool_identity import tool_commit, tool_version


def head_of(ordered: Ordered, station: Station, chosen: Sequence[PreparedScenario]) -> RunHead:
    """Of a run as it would begin now."""
    return RunHead(
        ordered,
        process=process_fingerprint(),
        station=fingerprint(station),
        profiles={
            profile: "sha256:" + hashlib.sha256(find("devices", profile).read_bytes()).hexdigest()
            for profile in _profiles(station)
        },
        scenarios={
            each.scenario.scenario: fingerprint(
                (each.scenario, each.installation, each.overrides, each.not_run)
            )
            for each in chosen
        },
        strategies={
            record.label: fingerprint(record)
            for record in (strategy_record(each.strategy) for each in chosen)
        },
        tool=tool_version(),
        commit=tool_commit(),
    )


def _profiles(station: Station) -> Iterator[str]:
    installed = station.installation.devices if station.installation is not None else {}
    kit = (station.kit.relay_board, station.kit.reference_meter)
    for entry in (*station.devices.values(), *installed.values(), *kit):
        if entry is not None and entry.profile:
            yield entry.profile

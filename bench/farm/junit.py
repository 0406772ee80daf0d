"""`junit.xml` of a farm: every station's own, side by side, each suite under its station's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.farm.record import FarmRecord, StationRecord
from bench.printable import printable
from bench.report.render import JUNIT

_COUNTS = ("tests", "failures", "errors", "skipped")


def farm_junit(record: FarmRecord, farm: Path) -> bytes:
    """Reads the `junit.xml` of each station's run; a station without one is an error of its own."""
    root = ET.Element("testsuites", name=f"smets1-bench farm {printable(record.suite)}")
    for station in record.stations:
        root.extend(_suites(station, farm / station.folder / JUNIT))
    for count in _COUNTS:
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root, space="")
    content: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return content + b"\n"


def _suites(station: StationRecord, path: Path) -> Iterator[ET.Element]:
    name = printable(station.name)
    try:
        suites = list(ET.parse(path).getroot()) if station.kit else []
    except (OSError, ET.ParseError):
        suites = []
    for suite in suites:
        suite.set("name", f"{name}: {suite.get('name', '')}")
        yield suite
    if not suites:
        suite = ET.Element("testsuite", name=name, tests="1", failures="0", errors="1", skipped="0")
        case = ET.SubElement(suite, "testcase", name="the run", classname=name)
        said = printable(station.end or "its report cannot be read")
        ET.SubElement(case, "error", message=said, type="bench-error")
        yield suite

"""Maps of foreign logs: what is wrong with one, each thing at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import Problem, UsageError
from bench.foreign_logs.log_map import LogFormat, read_map
from bench.shipped import fixtures

GOOD = """\
map: lab
log: csv
common:
  at: {column: TIME}
  installation: {column: SITE}
events:
  - event: step
    fields:
      section: {constant: "2.3.2"}
      outcome: {column: RESULT, codes: {OK: passed}}
"""


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "map.yaml"
    path.write_text(text, "utf-8")
    try:
        read_map(path)
    except UsageError as error:
        found = [p for p in error.problems if isinstance(p, Problem)]
        return [f"{p.line}:{p.column} {p.message}" for p in found]
    return []


def test_the_shipped_maps() -> None:
    for path in sorted((fixtures() / "maps").glob("*.yaml")):
        assert read_map(path).map == path.stem
    assert read_map(fixtures() / "maps" / "gateway-json.yaml").log is LogFormat.JSON


def test_a_good_map(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ("log: csv", "log: xml", "2:6", "csv"),
        ("log: csv", 'log: csv\ndelimiter: ";;"', "3:12", "expected one character"),
        ("log: csv", "log: csv\nencoding: utf-9", "3:11", "expected an encoding"),
        ("log: csv", "log: csv\nencoding: base64", "3:11", "expected an encoding"),
        ("log: csv", "log: csv\nencoding: idna", "3:11", "expected an encoding"),
        ("log: csv", "log: csv\nencoding: undefined", "3:11", "expected an encoding"),
        ("event: step", "event: steps", "7:12", "did you mean 'step'?"),
        ("section:", "sektion:", "9:7", "'step' has no field 'sektion'; did you mean 'section'?"),
        ("section:", "sektion:", "7:5", "'step' needs the field 'section'"),
        ("installation:", "instalation:", "5:3", "did you mean 'installation'?"),
        ('"2.3.2"', '"9.9"', "9:27", "expected a section from 2.3 to 2.6"),
        ("OK: passed", "OK: pass", "10:45", "did you mean 'passed'?"),
        ("OK: passed}", "OK: passed}, otherwise: nope", "10:65", "expected one of passed, failed"),
        ("{column: RESULT, codes: {OK: passed}}", "{}", "10:16", "either a column or a constant"),
        ("column: RESULT,", "constant: passed,", "10:16", "only with a column"),
        (", codes: {OK: passed}", ", otherwise: passed", "10:44", "only where there are codes"),
        ("column: TIME", "column: TIME, codes: {x: z}", "4:29", "expected no codes"),
        ("column: TIME", "constant: noon", "4:18", "expected a UTC time"),
        (
            "common:",
            "time: {format: '%d.%m. %H:%M', zone: UTC}\ncommon:",
            "3:16",
            "it has no year",
        ),
        ("common:", "time: {format: '%Y %Q', zone: UTC}\ncommon:", "3:16", "%Q is unknown"),
        ("common:", "time: {format: '%Y'}\ncommon:", "3:7", "the format has no %z"),
        ("common:", "time: {format: '%Y%z', zone: UTC}\ncommon:", "3:30", "the format has %z"),
        ("common:", "time: {zone: Europe/Londn}\ncommon:", "3:14", "such as Europe/London"),
        (
            "common:",
            "time: {format: epoch-seconds, zone: UTC}\ncommon:",
            "3:37",
            "counts in UTC",
        ),
        ("common:", "skip: [{}]\ncommon:", "3:8", "expected a column and its values"),
        (GOOD[GOOD.index("events:") :], "events: []\n", "6:9", "expected at least one event"),
    ],
)
def test_what_is_wrong(old: str, new: str, where: str, says: str, tmp_path: Path) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert [text for text in found if text.startswith(f"{where} ") and says in text], found


def test_everything_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace("TIME", "TIME, codes: {a: b}").replace('"2.3.2"', '"9"')
    found = problems(tmp_path, text.replace("OK: passed", "OK: pass, NAH: fail"))
    assert [line.split(":")[0] for line in found] == ["4", "9", "10", "10"]

"""A user's YAML file: what it means, what is refused, and where every complaint points."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, Field, model_validator

from bench import yaml_source
from bench.errors import UsageError
from bench.units import parse_duration
from bench.yaml_model import FILE_MODEL
from bench.yaml_source import Complaint, Document, load, loads, parse, path_text


def complaints(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        loads(text, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture(params=["C", "pure Python"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: a platform without the C one gets the same answers."""
    if request.param == "C":
        if not yaml.__with_libyaml__:
            pytest.skip("PyYAML without libyaml")
        monkeypatch.setattr(yaml_source, "_LOADER", yaml.CSafeLoader)
    else:
        monkeypatch.setattr(yaml_source, "_LOADER", yaml.SafeLoader)


MEANS: list[tuple[str, Any]] = [
    ("0", 0),
    ("12", 12),
    ("-3", -3),
    ("1234567890123", 1234567890123),
    ("5.0", 5.0),
    ("-0.25", -0.25),
    ("true", True),
    ("false", False),
    ("null", None),
    ("", None),
    ('"0012"', "0012"),
    ("'on'", "on"),
    ('""', ""),
    ("30min", "30min"),
    ("2.3.2", "2.3.2"),
    ("2.1-draft", "2.1-draft"),
    ("2021-04-08", "2021-04-08"),
    ("2021-04-08T09:30:00Z", "2021-04-08T09:30:00Z"),
    ("70-B3-D5-1F-30-00-A0-08", "70-B3-D5-1F-30-00-A0-08"),
    ("socket://localhost:5000", "socket://localhost:5000"),
    ("/dev/serial/by-id/x", "/dev/serial/by-id/x"),
    ("one two", "one two"),
    ("onward", "onward"),
    ("=", "="),
    ("|\n  two\n  lines\n", "two\nlines\n"),
    ('"\\x02\\r\\n"', "\x02\r\n"),
    ("[1, a, {b: 2}]", [1, "a", {"b": 2}]),
    ("{}", {}),
]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(("text", "value"), MEANS)
def test_a_scalar_means_what_it_looks_like(text: str, value: Any) -> None:
    read = loads(f"key: {text}", "f.yaml").data["key"]
    assert (read, type(read)) == (value, type(value))


REFUSED = [
    "0012", "089", "12:30:00", "12:30", "08:30", "1_000", "+5", "0x1F", "0b11", "0o17", "1e3",
    "1.5e3", "1.5e+3", ".5", "5.", ".5e3", ".inf", "-.inf", ".nan", "1234567890123456789",
    "0.1234567890123456789", "00:11:22:33:44:55:66:77", "on", "off", "yes", "no", "y", "n", "On",
    "OFF", "Yes", "NO", "Y", "N", "True", "FALSE", "~", "Null", "NULL",
]  # fmt: skip


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("text", REFUSED)
def test_a_treacherous_scalar_is_refused_with_the_advice_to_quote_it(text: str) -> None:
    (complaint,) = complaints(f"a: 1\nkey:   {text}\n")
    assert complaint.startswith("f.yaml:2:8: key: ")
    assert f'quote it: "{text}"' in complaint
    assert loads(f'key: "{text}"', "f.yaml").data == {"key": text}


@pytest.mark.parametrize("text", ["1234567890123456789", "-99999999999999999999999"])
def test_a_whole_number_that_is_too_long_is_told_the_bound(text: str) -> None:
    (complaint,) = complaints(f"key: {text}\n")
    assert "f.yaml:1:6: key: expected a whole number of at most 18 digits, got" in complaint


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12))
def test_no_plain_scalar_changes_silently(text: str) -> None:
    """What is read from an unquoted word is that word, or a number or word that prints as it."""
    try:
        read = loads(f"key: {text}", "f.yaml").data["key"]
    except UsageError:
        return
    plain = text.strip(" ")
    if isinstance(read, str) and read[:1] == plain[:1] and plain[:1] not in ("'", '"', "|", ">"):
        assert plain.startswith(read)  # a comment may follow
    elif isinstance(read, float):
        assert float(plain.partition(" ")[0]) == read
    elif isinstance(read, int) and not isinstance(read, bool):
        assert plain.partition(" ")[0] in (str(read), "-0")


WRONG: list[tuple[str, str, list[str]]] = [
    ("empty", "", ["f.yaml:1:1: expected a mapping (lines such as `key: value`), got an empty "
                   "file"]),
    ("only a comment", "# nothing\n", ["got an empty file"]),
    ("text", "just text", ["f.yaml:1:1: expected a mapping (lines such as `key: value`), got "
                           "'just text'"]),
    ("list", "- a\n- b\n", ["got a list of 2"]),
    ("duplicate", "a: 1\nb:\n  c: 1\n  c: 2\na: 3\n",
     ["f.yaml:4:3: b.c: 'c' stands here twice, first on line 3",
      "f.yaml:5:1: a: 'a' stands here twice, first on line 1"]),
    ("number as key", "3.1: x\n7: y\n",
     ['f.yaml:1:1: expected a key that is text, got 3.1; quote it: "3.1"',
      'f.yaml:2:1: expected a key that is text, got 7; quote it: "7"']),
    ("word as key", "on: x\ntrue: y\nnull: z\n",
     ["f.yaml:1:1: 'on' reads as true",
      'f.yaml:2:1: expected a key that is text, got true; quote it: "true"',
      'f.yaml:3:1: expected a key that is text, got null; quote it: "null"']),
    ("list as key", "? [a]\n: 1\n", ["f.yaml:1:3: expected a key that is text, got a list"]),
    ("no key", "?\n: 1\n", ["expected a key before ':'"]),
    ("anchor and alias", "a: &x [1]\nb: *x\n",
     ["f.yaml:1:4: a: '&x': anchors are not read here", "f.yaml:2:4: b: '*x': aliases are not"]),
    ("refers to itself", "a: &x [*x]\n", ["'&x': anchors", "f.yaml:1:8: a[0]: '*x': aliases"]),
    ("merge key", "a:\n  <<: {b: 1}\n", ["f.yaml:2:3: a: '<<': merge keys are not read here"]),
    ("tag", "a: !!python/object/apply:os.system [x]\n", ["python/object/apply:os.system': tags"]),
    ("own tag", "a: !thing 5\n", ["f.yaml:1:4: a: '!thing': tags are not read here"]),
    ("two documents", "a: 1\n---\nb: 2\n", ["f.yaml:2:1: expected one document, got a second"]),
    ("tab", "a:\n\tb: 1\n", ["f.yaml:2:1: a: not YAML: ", "a tab stands here: indent with spaces"]),
    ("colon in text", "a: b: c\n", ["f.yaml:1:5: not YAML: mapping values are not allowed"]),
    ("reserved start", "a: @b\n", ["quote text that begins with @"]),
    ("open quote", "a: 'b\n", ["not YAML: while scanning a quoted scalar"]),
    ("open bracket", "a: [1, 2\n", ["not YAML: "]),
    ("NUL", "a: b\nc: \x00\n", ["f.yaml:2:4: expected text, got the control character U+0000"]),
    ("escaped NUL", 'a: "\\0"\n', ["f.yaml:1:4: a: expected text, got an escaped U+0000"]),
    ("two kinds at once", "a: on\nb: [0012, ok]\n",
     ["f.yaml:1:4: a: 'on'", "f.yaml:2:5: b[0]: '0012'"]),
]  # fmt: skip


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
)
def test_what_is_refused_and_where(text: str, expected: list[str]) -> None:
    told = "\n".join(complaints(text))
    for part in expected:
        assert part in told


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "- " * 10_000,
        "{a: " * 10_000,
        "? " * 10_000,
        "".join(" " * depth + "a:\n" for depth in range(1_500)),
        "[[]," + "[]," * 500_000,
        "{" + "a: 1," * 300_000 + "}",
        "a: " + "on " * 10 + "\n" + "b: on\n" * 100_000,
        "\x80\xff" * 500_000,
        "a: " + "x" * 3_000_000,
        "a: " + "1" * 1_000_000 + ".",
        "a: " + "1:" * 500_000 + "1",
    ],
    ids=["brackets", "dashes", "braces", "questions", "indents", "items", "duplicates", "many",
         "noise", "too large", "digits", "colons"],
)  # fmt: skip
def test_hostile_text_is_refused_and_quickly(text: str) -> None:
    before = time.process_time()
    told = complaints(text)
    assert 1 <= len(told) <= yaml_source.MAX_PROBLEMS + 1
    assert len(told) <= yaml_source.MAX_PROBLEMS or told[-1].endswith(" more complaints")
    assert time.process_time() - before < 5


def test_a_line_of_a_megabyte_is_read() -> None:
    for line in ("x" * 1_000_000, "1" * 1_000_000 + "x", "1:" * 500_000 + "x"):
        assert loads(f"a: {line}", "f.yaml").data["a"] == line


def test_depth_up_to_the_limit_is_read() -> None:
    depth = yaml_source.MAX_DEPTH - 1
    assert loads("a: " + "[" * depth + "]" * depth, "f.yaml").data["a"] is not None
    assert "levels of nesting" in complaints("a: " + "[" * (depth + 1) + "]" * (depth + 1))[0]


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_usage_error(raw: bytes) -> None:
    text = raw.decode("latin-1")
    told: list[str] = []
    try:
        loads(text, "f.yaml")
    except UsageError as error:
        told = [str(problem) for problem in error.problems]
    assert all(line.startswith("f.yaml") for line in told)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "station.yaml").write_text("a: 1\n")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: caf\xe9\n")
    (tmp_path / "utf16.yaml").write_bytes("a: 1".encode("utf-16"))
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    cases = {
        "statoin.yaml": "no such file; did you mean 'station.yaml'?",
        "gone/station.yaml": "no such file",
        "": "expected a YAML file, got a folder",
        "latin.yaml": "expected UTF-8 text, got byte 0xe9",
        "utf16.yaml": "expected UTF-8 text, got byte 0xff",
        "loop.yaml": "cannot be read: ",
        "nul\0.yaml": "cannot be read: ",
        "x" * 5000: "cannot be read: ",
    }
    for name, expected in cases.items():
        with pytest.raises(UsageError) as caught:
            load(tmp_path / name)
        assert expected in str(caught.value), name
    with pytest.raises(UsageError, match=r"latin\.yaml:2:7: "):
        load(tmp_path / "latin.yaml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n")
    path.chmod(0)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        load(path)


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: on\r\n")
    with pytest.raises(UsageError, match=r"a\.yaml:2:4: b: "):
        load(path)
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: c\r\n")
    assert load(path).data == {"a": 1, "b": "c"}


def test_positions() -> None:
    document = loads("a:\n  - b: 1\n    c: [x, z]\nd: ''\n", "f.yaml")
    assert document.position(("a", 0, "b")) == (2, 8)
    assert document.key_position(("a", 0, "b")) == (2, 5)
    assert document.position(("a", 0, "c", 1)) == (3, 12)
    assert document.position(("a", 0, "gone", "deeper")) == (2, 5)  # the nearest node around it
    assert document.position(("gone",)) == (1, 1)
    assert str(document.problem(("a", 0, "c"), "x")) == "f.yaml:3:8: a[0].c: x"
    assert path_text(("a", "3.3.interval", 0)) == "a['3.3.interval'][0]"


class _Group(StrEnum):
    DA = "DA"
    EA = "EA"


_Duration = Annotated[int, BeforeValidator(parse_duration)]


class _Drop(BaseModel):
    model_config = FILE_MODEL
    kind: Literal["drop"]
    after: _Duration = 0


class _Noise(BaseModel):
    model_config = FILE_MODEL
    kind: Literal["noise"]
    rate: float = Field(gt=0)


class _Device(BaseModel):
    model_config = FILE_MODEL
    name: str
    group: _Group
    baud: int = Field(default=9600, ge=300)
    port: str | None = None
    faults: tuple[Annotated[_Drop | _Noise, Field(discriminator="kind")], ...] = ()


class _Station(BaseModel):
    model_config = FILE_MODEL
    station: str
    version: str
    devices: dict[str, _Device]

    @model_validator(mode="after")
    def _ports_differ(self) -> _Station:
        ports: dict[str, str] = {}
        for name, device in self.devices.items():
            if device.port in ports:
                raise Complaint(
                    f"'{device.port}' is the port of '{ports[device.port]}' too",
                    "devices", name, "port",
                )  # fmt: skip
            if device.port is not None:
                ports[device.port] = name
        return self


GOOD = """\
station: bench 1
version: "5.0"
devices:
  meter: {name: M, group: DA, port: a, faults: [{kind: drop, after: 30s}, {kind: noise, rate: 1}]}
  hub: {name: H, group: EA}
"""


def test_a_model_is_filled() -> None:
    station = parse(loads(GOOD, "s.yaml"), _Station)
    meter = station.devices["meter"]
    assert meter.group is _Group.DA
    assert meter.faults == (
        _Drop.model_construct(kind="drop", after=30_000_000),
        _Noise(kind="noise", rate=1),
    )


BAD = """\
staton: x
version: 5.0
devices:
  a:
    name: 12
    baud: "9600"
    group: Da
    port: 3
    faults:
      - {kind: drip}
      - {kind: drop, after: 30}
      - {kind: noise, rate: 0, rat: 1}
      - {rate: 1}
  b: 5
  c: {name: null, group: [], baud: 1.5}
"""

BAD_COMPLAINTS = """\
s.yaml:1:1: missing key 'station'; is it 'staton'?
s.yaml:1:1: staton: unknown key 'staton'; did you mean 'station'?
s.yaml:2:10: version: expected text, got 5.0; quote it: "5.0"
s.yaml:5:11: devices.a.name: expected text, got 12; quote it: "12"
s.yaml:6:11: devices.a.baud: expected a whole number, got '9600'
s.yaml:7:12: devices.a.group: expected one of 'DA', 'EA', got 'Da'; did you mean 'DA'?
s.yaml:8:11: devices.a.port: expected text, got 3; quote it: "3"
s.yaml:10:16: devices.a.faults[0].kind: expected one of 'drop', 'noise', got 'drip'; did you mean \
'drop'?
s.yaml:11:29: devices.a.faults[1].after: expected a duration: a whole number and a unit (s, min, \
h, d), such as 30min, got 30
s.yaml:12:29: devices.a.faults[2].rate: expected a number greater than 0, got 0
s.yaml:12:32: devices.a.faults[2].rat: unknown key 'rat'; known: kind, rate
s.yaml:13:9: devices.a.faults[3]: missing key 'kind'
s.yaml:14:6: devices.b: expected a mapping, got 5
s.yaml:15:13: devices.c.name: expected text, got null; quote it: "null"
s.yaml:15:26: devices.c.group: expected one of 'DA', 'EA', got an empty list
s.yaml:15:36: devices.c.baud: expected a whole number, got 1.5
""".splitlines()


def test_every_complaint_of_a_model_comes_at_once_with_its_place() -> None:
    with pytest.raises(UsageError) as caught:
        parse(loads(BAD, "s.yaml"), _Station)
    told = [str(problem) for problem in caught.value.problems]
    assert told == BAD_COMPLAINTS


def test_a_model_that_does_not_ask_for_it_is_read_strictly_too() -> None:
    class Lax(BaseModel):
        baud: int

    with pytest.raises(UsageError, match=r"s\.yaml:1:7: baud: expected a whole number, got '9600'"):
        parse(loads('baud: "9600"', "s.yaml"), Lax)


def test_a_complaint_of_a_validator_stands_as_it_is_and_where_it_says() -> None:
    text = GOOD.replace("{name: H, group: EA}", "{name: H, group: EA, port: a}")
    with pytest.raises(UsageError) as caught:
        parse(loads(text, "s.yaml"), _Station)
    (problem,) = caught.value.problems
    assert str(problem) == "s.yaml:5:35: devices.hub.port: 'a' is the port of 'meter' too"


def test_reading_yaml_does_not_import_pydantic() -> None:
    code = "import sys, bench.yaml_source; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_document_made_by_hand_points_at_its_start() -> None:
    assert str(Document("f").problem(("a",), "x")) == "f:1:1: a: x"

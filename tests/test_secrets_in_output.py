"""No byte of any key in anything a run leaves behind, nor in what pytest prints of a failure.

Whatever the run knows is looked for, in every form that `bench.leaks` knows: raw, hexadecimal,
base64 at every alignment, lists of numbers. The key store is the one place where keys may be.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import runner
from bench.demo_keys import demo_key, demo_secret
from bench.devices import KeySlot
from bench.evidence.archive import read
from bench.evidence.packing import pack
from bench.evidence.signing import Signer
from bench.leaks import find_leaks
from bench.order import Order
from bench.report.render import render
from bench.runner import run_suite
from bench.scenario.ran import Ran
from bench.scenario.run import run_scenario
from bench.secret import Secret
from bench.shipped import find
from bench.station import read_station
from bench.suite_reading import read_suite
from tests.test_leaks import FORMS

KEY_STORE = "keys.json"
"""The one file that is there to hold keys; it is never packed."""

PURPOSES = ("password", "authentication", "reader", "management", "master")

SCENARIOS = tuple(
    os.environ.get(
        "SMETS1_BENCH_SCENARIOS", "da-commissioned da-missing-master-key da-wrong-key-held"
    ).split()
)
"""`all` in the environment: the whole default suite."""


EUI64 = "70-B3-D5-1F-30-00-A0-08"


def kit_secrets(eui64s: Iterable[str]) -> list[Secret]:
    """All that emulated devices share with their owner, whether it is used."""
    found = []
    for eui64 in eui64s:
        found += [demo_secret(eui64, purpose) for purpose in PURPOSES]
        found.append(demo_key(eui64, KeySlot.SUA))
        typed = demo_secret(eui64, "password").reveal().hex()[:16]  # as it is said on the line
        found.append(Secret(typed.encode(), "password"))
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("station", ["emulated-direct", "emulated-emu"])
def test_a_whole_run_gives_no_key_away(
    station: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets: dict[bytes, Secret] = {}

    def watched(*given: object, **more: object) -> Ran:
        ran = run_scenario(*given, **more)  # type: ignore[arg-type]
        shared = kit_secrets(device.eui64 for device in ran.prepared.installation.devices)
        secrets.update({secret.reveal(): secret for secret in (*shared, *ran.secrets)})
        return ran

    monkeypatch.setattr(runner, "run_scenario", watched)
    signing = Ed25519PrivateKey.generate()
    secrets[signing.private_bytes_raw()] = Secret(signing.private_bytes_raw(), "signing key")
    held = read_station(find("stations", station))
    only = () if SCENARIOS == ("all",) else SCENARIOS
    order = Order(find("suites", "default"), "default", 1, only, station=held)
    run_suite(order, tmp_path)
    render(tmp_path)
    content = pack(tmp_path, Signer(signing)).content
    produced = {f"pack/{name}": held for name, held in read(content).items()}
    produced["pack"] = content
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != KEY_STORE:
            produced[path.relative_to(tmp_path).as_posix()] = path.read_bytes()
    assert len(secrets) > 20
    assert {"trace.jsonl", "result.json", "report.html", "junit.xml", "mrr6.csv"} <= set(produced)
    assert "pack/manifest.json" in produced
    assert (station == "emulated-emu") == any(name.startswith("captures/") for name in produced)
    known = list(secrets.values())
    found = {name: find_leaks(held, known) for name, held in produced.items()}
    assert not {name: labels for name, labels in found.items() if labels}


def test_the_search_would_find_a_key(tmp_path: Path) -> None:
    """The forms that keys could have in what was searched above."""
    secret = demo_secret(EUI64, "master")
    for form in FORMS.values():
        assert find_leaks(b"{..." + form(secret.reveal()) + b"...}", [secret])


WRITES = os.environ.get("SMETS1_BENCH_WRITES", "3 58")
"""At which write the port dies: while a device is identified, while a key is rotated."""

FAILING = """
    import pytest

    from bench.demo_keys import demo_key
    from bench.devices import KeySlot
    from bench.key_ring import MemoryKeyRing
    from bench.scenario.run import run_scenario
    from bench.shipped import find
    from bench.station import read_station
    from bench.suite_reading import read_suite
    from drivers.transport.memory import MemoryTransport


    def test_with_secrets_among_its_locals():
        key = demo_key("70-B3-D5-1F-30-00-A0-08", KeySlot.SUA)
        ring = MemoryKeyRing({("meter", KeySlot.SUA): key})
        keys = {"meter": key}
        listed = [key, (key, ring)]
        assert keys is None, f"{key} {key!r} {listed}"


    @pytest.mark.parametrize("number", NUMBERS)
    def test_a_run_whose_port_dies(number, monkeypatch):
        written = 0
        write = MemoryTransport.write

        def dying(self, data, *rest, **more):
            nonlocal written
            written += 1
            if written == number:
                raise ValueError("the port died")
            return write(self, data, *rest, **more)

        monkeypatch.setattr(MemoryTransport, "write", dying)
        path = find("suites", "default")
        _, (prepared,) = read_suite(path, None, ("da-commissioned",))
        station = read_station(find("stations", "emulated-emu"))
        ran = run_scenario(prepared, 1, station=station)
        assert ran is None, "the port was to die"
"""


@pytest.mark.timeout(600)
def test_pytest_shows_no_key_of_a_failure(tmp_path: Path) -> None:
    """Also not with `--showlocals`, which prints the variables of every frame."""
    file = tmp_path / "test_failing.py"
    numbers = [int(number) for number in WRITES.split()]
    file.write_text(textwrap.dedent(FAILING).replace("NUMBERS", str(numbers)))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-vv", "--showlocals", "--tb=long"),
            *("-p", "no:cacheprovider", "--junitxml", "junit.xml", file.name),
        ],
        cwd=tmp_path,
        capture_output=True,
        timeout=500,
    )
    assert b"%d failed" % (1 + len(numbers)) in done.stdout, done.stdout[-3000:]
    _, (prepared,) = read_suite(find("suites", "default"), None, ("da-commissioned",))
    secrets = kit_secrets([EUI64, *(device.eui64 for device in prepared.installation.devices)])
    printed = done.stdout + done.stderr + (tmp_path / "junit.xml").read_bytes()
    assert b"the port died" in printed
    assert b"def rotate_key" in printed or "58" not in WRITES
    assert f"<Secret test key {EUI64}/SUA kcv=".encode() in printed
    assert find_leaks(printed, secrets) == []

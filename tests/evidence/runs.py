"""A small run, packed and signed: what the tests of evidence tamper with."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.evidence.packing import pack
from bench.evidence.signing import Signer
from bench.order import Order
from bench.runner import run_suite

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))

SUITE = """\
suite: three
scenarios:
  - scenario: meets
    about: what it expects happens
    installation: da-electricity-only
    overlay: lab-copy-of-mehrs-5.0
    expect: {outcome: commissioned}
  - scenario: fails
    about: what it expects does not happen
    installation: ea-dual-fuel
    expect: {outcome: parked, account: SMSO}
  - scenario: deviant
    about: a deviant that is caught
    installation: ea-dual-fuel
    deviant: the party gives up early
    parties: {requesting-party: {repeats: 1}}
    faults: [{fault: wan-never, target: hub, after: 0s}]
    expect: {outcome: failed, rules: {3.4.1-wait: passed, 3.4.1-persistence: failed}}
"""


def small_run(folder: Path, signer: Signer | None = None) -> Path:
    """Runs the suite above into `folder`/out."""
    suite = folder / "three.yaml"
    suite.write_text(SUITE)
    run_suite(Order(suite, str(suite), 1, signer=signer), folder / "out")
    return folder / "out"


def small_pack(folder: Path, signer: Signer | None = SIGNER) -> bytes:
    return pack(small_run(folder), signer).content

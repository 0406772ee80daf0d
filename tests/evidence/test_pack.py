"""`pack` and `verify`: the same bytes each time, and no more said than was proven."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench import tool_identity
from bench.cli import main
from bench.errors import ExitCode, UsageError
from bench.evidence import inside
from bench.evidence.amending import identity_of, refuse_another_run
from bench.evidence.archive import NotAPack, read, written
from bench.evidence.contents import run_files
from bench.evidence.findings import State, Verification
from bench.evidence.manifest import (
    ATTESTATION,
    KEY,
    MANIFEST,
    STATEMENT,
    Amends,
    listed,
    manifest_of,
)
from bench.evidence.packing import pack
from bench.evidence.signing import PRIVATE, PUBLIC, envelope_of
from bench.evidence.statement import overall
from bench.evidence.verifying import verify
from bench.result import read_result
from tests.evidence.runs import SIGNER, STRANGER, small_run
from tests.evidence.tampering import KINDS, outcomes

TAMPERINGS = int(os.environ.get("SMETS1_BENCH_TAMPERINGS", 12 * len(KINDS)))


def states(found: Verification) -> dict[str, State]:
    return {finding.about: finding.state for finding in found.findings}


def said(found: Verification, about: str) -> str:
    return next(finding.said for finding in found.findings if finding.about == about)


def command(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_all_is_proven_of_a_signed_pack(signed: bytes) -> None:
    found = verify(signed, [STRANGER.verifier, SIGNER.verifier])
    assert set(states(found).values()) == {State.PROVEN}, found.findings
    assert list(states(found)) == [
        *("form", "manifest", "trace", "strategy", "judgement"),
        *("reports", "tail", "journal", "inputs", "signature"),
    ]
    assert found.exit_code is ExitCode.PASS
    assert any("EMULATED" in note for note in found.notes)


def test_the_same_run_gives_the_same_bytes(ran: Path, signed: bytes, tmp_path: Path) -> None:
    assert pack(ran, SIGNER).content == signed
    again = small_run(tmp_path)
    for name in ("trace.jsonl", "result.json", "checkpoints.jsonl"):
        assert (again / name).read_bytes().replace(str(tmp_path).encode(), b"") == (
            ran / name
        ).read_bytes().replace(str(ran.parent).encode(), b""), name


def test_reports_in_the_folder_are_not_believed(folder: Path, signed: bytes) -> None:
    """They are made anew of trace and result, so an edited one does not get into a pack."""
    (folder / "report.html").write_text("all passed")
    (folder / "junit.xml").write_text("<testsuites/>")
    assert pack(folder, SIGNER).content == signed


def test_every_kind_of_tampering_is_found(signed: bytes) -> None:
    found = Counter(outcomes(signed, TAMPERINGS, seed=20))
    assert not [kind for kind, code in found if code == ExitCode.PASS]
    unproven = {kind for kind, code in found if code == ExitCode.INCONCLUSIVE}
    assert unproven <= {"signature dropped"}
    assert len({kind for kind, _ in found}) == len(KINDS)


def test_without_a_key_nobody_vouches(ran: Path) -> None:
    made = pack(ran)
    assert STATEMENT in read(made.content)
    found = verify(made.content, [SIGNER.verifier])
    assert states(found)["signature"] is State.UNPROVEN
    assert found.exit_code is ExitCode.INCONCLUSIVE


def test_a_signature_by_nobody_knows_whom(signed: bytes) -> None:
    found = verify(signed)
    assert states(found)["signature"] is State.UNPROVEN
    assert SIGNER.key_id in said(found, "signature")
    other = verify(signed, [STRANGER.verifier])
    assert states(other)["signature"] is State.TAMPERED


def test_another_version_of_the_bench_says_what_it_cannot_prove(
    signed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inside, "tool_version", lambda: "smets1-bench 9.9")
    monkeypatch.setattr(inside, "derived_files", lambda *_: {"report.html": b"in a new style"})
    found = verify(signed, [SIGNER.verifier])
    assert states(found)["reports"] is State.UNPROVEN
    assert "this is smets1-bench 9.9" in said(found, "reports")
    assert states(found)["judgement"] is State.PROVEN, "the verdicts are the same"
    assert found.exit_code is ExitCode.INCONCLUSIVE


def test_a_strategy_that_is_not_held_here(ran: Path, folder: Path) -> None:
    """Without the overlay the scenario judged by it cannot be judged again."""
    shutil.rmtree(folder / "inputs")
    found = verify(pack(folder, SIGNER).content, [SIGNER.verifier])
    assert states(found)["strategy"] is State.UNPROVEN
    assert "overlay lab-copy-of-mehrs-5.0" in said(found, "strategy")
    assert said(found, "judgement").startswith("2 of 3 scenarios")
    assert states(found)["inputs"] is State.UNPROVEN


def test_what_is_in_a_pack(ran: Path, signed: bytes) -> None:
    files = read(signed)
    assert set(files) == {
        *(MANIFEST, ATTESTATION, KEY),
        *("trace.jsonl", "trace.chain", "result.json", "checkpoints.jsonl"),
        *("journal.db", "journal.head"),
        *("environment.json", "clock.json", "deviations.json", "requirements.csv"),
        *("report.html", "junit.xml", "mrr6.csv"),
        *("strategy/mehrs-5.0.json", "strategy/mam-4.0.json"),
        *(f"inputs/given/{path.name}" for path in (ran / "inputs" / "given").iterdir()),
        "inputs/shipped/installations/da-electricity-only.yaml",
        "inputs/shipped/installations/ea-dual-fuel.yaml",
        "inputs/shipped/overlays/lab-copy-of-mehrs-5.0.yaml",
    }
    assert json.loads(files["environment.json"])["software"]["tool"] == tool_identity.tool_version()
    result = json.loads(files["result.json"])
    hashes = {digest for s in result["scenarios"] for digest in s["strategy"]["hashes"].values()}
    for kind in ("mehrs-5.0", "mam-4.0"):
        digest = hashlib.sha256(files[f"strategy/{kind}.json"]).hexdigest()
        assert f"sha256:{digest}" in hashes, "the text is the one that the result names"


def test_the_statement(signed: bytes) -> None:
    files = read(signed)
    envelope = envelope_of(files[ATTESTATION])
    manifest = manifest_of(files[MANIFEST])
    assert envelope is not None
    assert manifest is not None
    assert envelope.kind == "application/vnd.in-toto+json"
    stated = json.loads(envelope.payload)
    assert stated["_type"] == "https://in-toto.io/Statement/v1"
    assert stated["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert stated["subject"][0]["name"] == MANIFEST
    assert stated["subject"][0]["digest"] == {"sha256": manifest.digest}
    predicate = stated["predicate"]
    assert predicate["result"] == "FAILED"
    assert "EMULATED: scenario meets" in predicate["passedTests"]
    assert "EMULATED: scenario fails" in predicate["failedTests"]
    assert predicate["configuration"], "strategy and inputs, by their hashes"
    everything = [*stated["subject"], *predicate["configuration"]]
    assert all(each["annotations"] == {"evidence": "EMULATED"} for each in everything)


def test_emulated_is_stamped_throughout(ran: Path, signed: bytes) -> None:
    files = read(signed)
    named = ("report.html", "junit.xml", "requirements.csv", "deviations.json", MANIFEST)
    for name in named:
        assert b"EMULATED" in files[name], name


@pytest.mark.parametrize(
    ("run", "scenario", "certificate", "word"),
    [
        ("pass", "pass", "pass", "PASSED"),
        ("inconclusive", "inconclusive", "pass", "WARNED"),
        ("pass", "pass", "inconclusive", "WARNED"),
        ("inconclusive", "not run", "pass", "WARNED"),
        ("bench-error", "bench-error", "inconclusive", "WARNED"),
        ("fail", "fail", "pass", "FAILED"),
        ("pass", "pass", "fail", "FAILED"),
        ("fail", "fail", "inconclusive", "FAILED"),
    ],
)
def test_only_what_passed_is_passed(
    ran: Path, run: str, scenario: str, certificate: str, word: str
) -> None:
    whole = read_result(ran)
    verdict = "" if scenario == "not run" else scenario
    one = replace(
        whole.scenarios[0], verdict=verdict, not_run="no kit" if scenario == "not run" else ""
    )
    rules = tuple(replace(rule, verdict="passed") for rule in whole.certificates[0].rules)
    shown = replace(whole.certificates[0], verdict=certificate, rules=rules)
    changed = replace(whole, verdict=run, scenarios=(one,), certificates=(shown,))
    assert overall(changed) == word
    assert overall(replace(changed, stopped="SIGINT")) != "PASSED"


def test_what_nobody_declared_stays_out(folder: Path) -> None:
    """A key store, notes, a link that leads elsewhere: named, never packed."""
    (folder / "keys.json").write_text("{}")
    (folder / "captures").mkdir(exist_ok=True)
    (folder / "captures" / "hub.jsonl").write_text("")
    (folder / "captures" / "notes.txt").write_text("")
    (folder / "captures" / "passwd.jsonl").symlink_to("/etc/passwd")
    os.mkfifo(folder / "captures" / "pipe.jsonl")
    found = run_files(folder)
    left_out = {"captures/notes.txt", "captures/passwd.jsonl", "captures/pipe.jsonl", "keys.json"}
    assert set(found.left_out) == left_out
    assert "captures/hub.jsonl" in found.packed
    assert set(found.packed) & {"keys.json", "report.html"} == set()


def test_a_journal_that_was_changed(folder: Path) -> None:
    path = folder / "journal.db"
    sound = verify(pack(folder, SIGNER).content, [SIGNER.verifier])
    assert states(sound)["journal"] is State.PROVEN
    content = path.read_bytes()
    at = content.rindex(b"rotate_key")
    path.write_bytes(content[:at] + b"rotate_kex" + content[at + 10 :])
    changed = verify(pack(folder, SIGNER).content, [SIGNER.verifier])
    assert states(changed)["journal"] is State.TAMPERED
    (folder / "journal.head").unlink()
    path.unlink()
    changed = verify(pack(folder, SIGNER).content, [SIGNER.verifier])
    assert states(changed)["journal"] is State.UNPROVEN


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"verdict": "fail"', '"verdict": "pass"', "result.json: fails: pass, its mismatches say"),
        ('"outcome": "commissioned"', '"outcome": "parked"', "outcome: not what follows"),
        ('"kit": "EMULATED"', '"kit": "REAL"', "the run is stamped REAL, its devices say EMULATED"),
        ('"passed": 1', '"passed": 2', "rules: not what follows from the trace"),
        ('"tolerance_s": 60.0', '"tolerance_s": 90000.0', "findings: not what follows"),
    ],
)
def test_a_result_that_does_not_follow_is_not_packed(
    folder: Path, old: str, new: str, complaint: str
) -> None:
    path = folder / "result.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError) as caught:
        pack(folder)
    assert complaint in str(caught.value)


def test_a_trace_that_was_cut_is_not_packed(folder: Path) -> None:
    path = folder / "trace.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(UsageError):
        pack(folder)


def test_checkpoints_signed_while_it_ran(tmp_path: Path) -> None:
    made = pack(small_run(tmp_path, SIGNER), STRANGER)
    both = verify(made.content, [SIGNER.verifier, STRANGER.verifier])
    assert said(both, "tail").endswith("signed while it ran")
    assert both.exit_code is ExitCode.PASS
    one = verify(made.content, [STRANGER.verifier])
    assert states(one)["tail"] is State.UNPROVEN


# --- the commands


def test_no_key_is_made_for_a_pack_that_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a.zip").write_text("something else")
    refused = command("pack", folder, "--new-key", "--out", tmp_path / "taken" / "a.zip")
    assert refused.exit_code == ExitCode.USAGE
    assert "holds something else already" in refused.output
    assert not (tmp_path / "taken" / PRIVATE).exists()
    as_hinted = command("pack", folder, "--new-key", "--out", tmp_path / "taken" / "b.zip")
    assert as_hinted.exit_code == 0, as_hinted.output


def test_from_run_to_proof_on_the_command_line(folder: Path) -> None:
    parent = folder.parent
    done = command("pack", folder, "--new-key")
    assert done.exit_code == 0, done.output
    assert "EMULATED, FAILED" in done.output
    target = parent / "out.pack.zip"
    assert (parent / PRIVATE).stat().st_mode & 0o777 == 0o600
    proof = command("verify", target, "--key", parent / PUBLIC)
    assert proof.exit_code == 0, proof.output
    assert proof.output.splitlines()[-1] == "all proven"
    assert "EMULATED" in proof.output
    again = command("pack", folder, "--key", parent / PRIVATE)
    assert again.exit_code == 0, "the same bytes again"
    refused = command("pack", folder)
    assert refused.exit_code == ExitCode.USAGE
    assert "holds something else already" in refused.output
    told = json.loads(command("verify", target, "--json").output)
    assert told["verdict"] == "not all proven"
    assert told["evidence"] == "EMULATED"


def test_unsigned_prints_what_to_write_down(folder: Path) -> None:
    done = command("pack", folder)
    assert done.exit_code == 0
    manifest = manifest_of(read((folder.parent / "out.pack.zip").read_bytes())[MANIFEST])
    assert manifest is not None
    assert manifest.digest in done.output
    assert manifest.head in done.output
    assert "write down the manifest's sha256" in done.output


def test_an_amendment_names_what_it_amends(folder: Path) -> None:
    parent = folder.parent
    first = parent / "first.pack.zip"
    assert command("pack", folder, "--out", first).exit_code == 0
    (folder / "details.yaml").write_text("customer: {name: The right customer}\n")
    words = ("pack", folder, "--out", parent / "second.pack.zip", "--amends", first)
    done = command(*words, "--reason", "the customer was missing")
    assert done.exit_code == 0, done.output
    old = manifest_of(read(first.read_bytes())[MANIFEST])
    assert old is not None
    found = verify((parent / "second.pack.zip").read_bytes())
    assert found.manifest is not None
    assert found.manifest.amends == Amends(old.digest, "the customer was missing")
    assert any("the customer was missing" in note for note in found.notes)
    first.write_bytes(first.read_bytes()[:-1])
    refused = command(*words, "--reason", "x")
    assert refused.exit_code == ExitCode.USAGE
    assert "expected a pack that nobody changed" in refused.output


@pytest.mark.parametrize("gone", ["journal.db", "journal.head"])
def test_half_a_journal_is_not_packed(gone: str, folder: Path, tmp_path: Path) -> None:
    (folder / gone).unlink()
    refused = command("pack", folder, "--out", tmp_path / "x.pack.zip")
    assert refused.exit_code == ExitCode.USAGE
    assert f"expected {gone} beside the rest of the journal, it is gone" in refused.output


def test_an_amendment_is_of_the_same_run(folder: Path, tmp_path: Path) -> None:
    """The same suite and seed run again gives the same trace, and is another run all the same."""
    first = tmp_path / "first.pack.zip"
    assert command("pack", folder, "--out", first).exit_code == 0
    (tmp_path / "again").mkdir()
    again = small_run(tmp_path / "again")
    amended = ("--amends", first, "--reason", "x", "--out", tmp_path / "second.pack.zip")
    refused = command("pack", again, *amended)
    assert refused.exit_code == ExitCode.USAGE
    said = refused.output.splitlines()[0]
    assert "first.pack.zip: expected an earlier pack of the same run: it is of suite three" in said
    begun = [word for word in said.split() if re.match(r"20\d\d-", word)]
    assert len(set(begun)) == 2, said
    assert not (tmp_path / "second.pack.zip").exists()
    for name in ("journal.db", "journal.head"):
        (again / name).unlink()
    assert command("pack", again, *amended).exit_code == 0, "to the byte what was packed"


@pytest.mark.parametrize(
    ("seed", "cut", "same"),
    [(1, 0, True), (1, 3, True), (2, 0, False)],
    ids=["whole", "stopped meanwhile", "another seed"],
)
def test_without_a_journal_the_trace_tells_a_run(
    ran: Path, seed: int, cut: int, same: bool
) -> None:
    files = run_files(ran).packed
    now = replace(identity_of(files), first="", begun="")
    earlier = replace(now, seed=seed, heads=now.heads[: len(now.heads) - cut])
    if same:
        refuse_another_run(earlier, now, Path("old.zip"), ran)
        return
    with pytest.raises(UsageError, match=r"seed 2, no journal, trace [0-9a-f]{16}; "):
        refuse_another_run(earlier, now, Path("old.zip"), ran)


def test_another_trace_is_another_run(ran: Path) -> None:
    now = replace(identity_of(run_files(ran).packed), first="", begun="")
    earlier = replace(now, heads=("0" * 64, *now.heads[1:]))
    with pytest.raises(UsageError, match="expected an earlier pack of the same run"):
        refuse_another_run(earlier, now, Path("old.zip"), ran)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("pack", "absent"), "expected the folder of a run, got nothing of that name"),
        (("pack", "."), "expected the folder of a run, got none with trace.jsonl and result.json"),
        (("pack", "out", "--key", "k", "--new-key"), "expected --key or --new-key, got both"),
        (("pack", "out", "--reason", "x"), "expected --amends PACK and --reason TEXT together"),
        (("pack", "out", "--amends", "x"), "expected --amends PACK and --reason TEXT together"),
        (("pack", "out", "--amends", "x", "--reason", "y"), "x: expected a pack: No such file"),
        (("pack", "out", "--key", "k"), "k: expected a file with the key: No such file"),
        (("verify", "absent"), "not an evidence pack of this bench: No such file"),
        (("verify", "out/trace.jsonl"), "it does not begin as a pack does"),
        (("verify", "out"), "not an evidence pack of this bench: expected a file, got a folder"),
        (("verify", "pipe"), "not an evidence pack of this bench: expected a file, got a pipe"),
        (("verify", "socket"), "expected a file, got a socket or a device"),
        (("verify", "/dev/zero"), "expected a file, got a device"),
        (("verify", "x", "--key", "pipe"), "expected a public key: expected a file, got a pipe"),
        (("pack", "out", "--key", "pipe"), "pipe: expected a file, got a pipe"),
        (("pack", "out", "--out", "pipe"), "pipe: expected a file, got a pipe"),
        (("pack", "out", "--out", "socket"), "socket: expected a file, got a socket or a device"),
        (("pack", "out", "--out", "/dev/zero"), "/dev/zero: expected a file, got a device"),
        (("pack", "out", "--amends", "pipe", "--reason", "y"), "expected a file, got a pipe"),
        (("verify", "x", "--key", "out/trace.jsonl"), "expected an Ed25519 public key in PEM"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], complaint: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for a pipe that nobody writes to, or reads a device without end."""
    monkeypatch.chdir(folder.parent)
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        done = command(*words)
    assert done.exit_code == ExitCode.USAGE, done.output
    assert complaint in done.output


def test_a_forged_pack_is_no_bug(signed: bytes) -> None:
    """Whatever stands in the files, the answer is a finding and no traceback."""
    files = {n: c for n, c in read(signed).items() if n not in (MANIFEST, ATTESTATION)}
    forgeries = [
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"format": 1}',
        files["result.json"].replace(b'"rules": {', b'"rules": 5, "x": {', 1),
        files["result.json"].replace(b'"first_line": 1,', b'"first_line": -7,', 1),
        files["result.json"].replace(b'"first_line": 1,', b'"first_line": "1",', 1),
        files["result.json"].replace(b'"last_line": ', b'"last_line": 9999999', 1),
        files["result.json"].replace(b'"devices": [', b'"devices": [[], ', 1),
        files["result.json"].replace(b'"mehrs": "5.0"', b'"mehrs": "../../x"'),
    ]
    for forged in forgeries:
        changed = {**files, "result.json": forged}
        found = manifest_of(read(signed)[MANIFEST])
        assert found is not None
        text = replace(found, files=listed(changed)).text()
        forged_pack = written({**changed, MANIFEST: text, STATEMENT: b"{}"})
        assert verify(forged_pack).exit_code is ExitCode.FAIL
    with pytest.raises(NotAPack):
        verify(b"")

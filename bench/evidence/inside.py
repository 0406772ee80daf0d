"""The checks of what a pack's files say, once they are known to be those of its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.evidence.chain import heads
from bench.evidence.checkpoints import off_trace, read_checkpoints
from bench.evidence.contents import CHECKPOINTS, INPUTS, JOURNAL, JOURNAL_HEAD, TRACE
from bench.evidence.derived import CHAIN, derived_files
from bench.evidence.findings import Finding, proven, some, tampered, unproven
from bench.evidence.judging import differences, held_strategies
from bench.evidence.manifest import ATTESTATION, KEY, STATEMENT, Manifest
from bench.evidence.signing import Verifier, envelope_of, public_key_of
from bench.evidence.statement import PAYLOAD_TYPE, statement
from bench.journal.store import Journal, JournalDamaged
from bench.report.trace_lines import TraceLines
from bench.result import UNHEARD, RunRecord
from bench.tool_identity import tool_commit, tool_version


@dataclass(frozen=True, slots=True)
class Inside:
    """A pack whose files are those of its manifest, unfolded into `folder`."""

    manifest: Manifest
    members: dict[str, bytes]
    folder: Path
    record: RunRecord
    trace: TraceLines
    trusted: tuple[Verifier, ...]

    @property
    def other_tool(self) -> str:
        """How this bench differs from the one that made the pack; empty where it does not."""
        made = (self.manifest.tool, self.manifest.commit)
        if made == (tool_version(), tool_commit()):
            return ""
        return f"made by {_tool(*made)}, this is {_tool(tool_version(), tool_commit())}"


def look(inside: Inside) -> Iterator[Finding]:
    """Every check, in the order in which they rest on each other."""
    yield _chain(inside)
    yield from _judgement(inside)
    yield _derived(inside)
    yield _checkpoints(inside)
    yield _journal(inside)
    yield _inputs(inside)
    yield _signature(inside)


def notes(inside: Inside) -> Iterator[str]:
    """What no check can decide."""
    kit = inside.record.kit
    if kit != "REAL":
        where = "" if kit == UNHEARD else " where kit was emulated"
        yield f"{kit} evidence: it says nothing about real kit{where}"
    yield "what devices and parties held at the end is the run's word; the trace cannot tell it"
    amends = inside.manifest.amends
    if amends is not None:
        yield f"amends the pack with manifest sha256 {amends.manifest}: {amends.reason}"


def _chain(inside: Inside) -> Finding:
    found = heads(inside.members[TRACE])
    said = inside.members.get(CHAIN, b"").decode("ascii", "replace").split()
    if said != found:
        line = 1 + next(
            (n for n, (a, b) in enumerate(zip(said, found, strict=False)) if a != b),
            min(len(said), len(found)),
        )
        return tampered("trace", f"{TRACE}:{line} is the first line that is off the chain")
    manifest = inside.manifest
    if (manifest.lines, manifest.head) != (len(found), found[-1] if found else ""):
        return tampered("trace", "the head of its chain is not the one that the manifest names")
    return proven(
        "trace", f"{len(found)} lines in one chain; its head is {manifest.head or 'none'}"
    )


def _judgement(inside: Inside) -> Iterator[Finding]:
    record = inside.record
    strategies, lacking = held_strategies(record, inside.folder)
    if lacking:
        yield unproven("strategy", f"not held here in the same content: {'; '.join(lacking)}")
    else:
        yield proven(
            "strategy", f"{len(strategies)} held here in the same content, by their hashes"
        )
    lines = inside.members[TRACE].count(b"\n")
    wrong = list(differences(record, inside.trace, lines, strategies))
    if wrong and inside.other_tool:
        yield unproven("judgement", f"{wrong[0]}; {inside.other_tool}")
    elif wrong:
        yield tampered("judgement", "; ".join(wrong[:3]))
    else:
        run = [scenario for scenario in record.scenarios if not scenario.not_run]
        judged = sum(scenario.strategy.key in strategies for scenario in run)
        said = f"{judged} of {len(run)} scenarios judged again from the trace: the same verdicts"
        yield proven("judgement", said)


def _derived(inside: Inside) -> Finding:
    made = derived_files(inside.folder, inside.record, inside.trace)
    unlike = sorted(name for name, held in made.items() if inside.members.get(name) != held)
    if not unlike:
        return proven("reports", f"{len(made)} files made again from trace and result, to the byte")
    if inside.other_tool:
        return unproven("reports", f"made again, these differ: {some(unlike)}; {inside.other_tool}")
    return tampered("reports", f"made again, these differ: {some(unlike)}")


def _checkpoints(inside: Inside) -> Finding:
    text = inside.members.get(CHECKPOINTS)
    if text is None:
        return unproven("tail", "the run kept no checkpoints, so a tail cut off before is not seen")
    found = read_checkpoints(text)
    if found is None:
        return tampered("tail", f"{CHECKPOINTS} is not as this bench writes it")
    wrong = off_trace(found, heads(inside.members[TRACE]))
    if wrong:
        return tampered("tail", wrong)
    agree = f"{len(found)} checkpoints agree with the trace to its end"
    if any(each.key for each in found):
        known = {verifier.key_id: verifier for verifier in _keys(inside)}
        strange = [each for each in found if each.key not in known]
        if strange:
            return unproven("tail", f"{agree}, signed by {strange[0].key}, which is not given")
        if not all(each.signed_by(known[each.key]) for each in found):
            return tampered("tail", "a checkpoint's signature is not of what it says")
        return proven("tail", f"{agree}, and were signed while it ran")
    if inside.record.clock == "virtual":
        return proven("tail", f"{agree}; unsigned, of a simulated run that its seed repeats")
    return unproven("tail", f"{agree}, but carry no signature (run with --key)")


def _journal(inside: Inside) -> Finding:
    there = [name for name in (JOURNAL, JOURNAL_HEAD) if name in inside.members]
    if not there:
        return unproven("journal", "the run kept none, so its acts cannot be looked at")
    if len(there) == 1:
        return tampered("journal", f"{there[0]} is there without the file that belongs to it")
    try:
        journal, entries = Journal.open(inside.folder / JOURNAL)
    except JournalDamaged as error:
        return tampered("journal", str(error).replace(f"{inside.folder}/", ""))
    journal.abandon()
    return proven("journal", f"{len(entries)} entries in one chain, to the end that was synced")


def _inputs(inside: Inside) -> Finding:
    kept = [name for name in inside.members if name.startswith(f"{INPUTS}/")]
    if not kept:
        return unproven("inputs", "the run kept no copy of what it read")
    return proven("inputs", f"{len(kept)} files that the run read are in the pack")


def _signature(inside: Inside) -> Finding:
    members = inside.members
    stated = statement(inside.manifest, inside.record)
    if (STATEMENT in members) == (ATTESTATION in members):
        return tampered("signature", "expected a statement, or an attestation in its place")
    if STATEMENT in members:
        if members[STATEMENT] != stated:
            return tampered("signature", "the statement says other than the result does")
        return unproven("signature", "none: anybody could have made this pack")
    envelope = envelope_of(members[ATTESTATION])
    packed = public_key_of(members.get(KEY, b""))
    if envelope is None or packed is None or not envelope.signed_by(packed):
        return tampered("signature", "it is not of this pack by the key that lies in it")
    if (envelope.kind, envelope.payload) != (PAYLOAD_TYPE, stated):
        return tampered("signature", "what is signed says other than the pack does")
    if any(verifier.key_id == packed.key_id for verifier in inside.trusted):
        return proven("signature", f"by the key given, {packed.key_id}")
    if inside.trusted:
        return tampered("signature", f"by {packed.key_id}, which is none of the keys given")
    return unproven("signature", f"sound, by {packed.key_id}; whose key that is, --key would tell")


def _keys(inside: Inside) -> Iterator[Verifier]:
    """Those given; where none is, the one in the pack, of which nobody knows whose it is."""
    if inside.trusted:
        yield from inside.trusted
    else:
        packed = public_key_of(inside.members.get(KEY, b""))
        if packed is not None:
            yield packed


def _tool(version: str, commit: str) -> str:
    return f"{version} ({commit[:12]})" if commit else version

"""SUA key rotation and its rollback, 2.6.4.1, with the retries of 3.3 (group DA) [S rows 15-17].

The stages of one meter's rotation: the new key is *staged* in the key ring beside the old; a
command *transfers* and activates it; the meter *proves* it; once every meter has, the old keys are
*retired*. A lost acknowledgement cannot be told from a lost command, so until a key is proven both
are kept, and after any doubt they are probed (`key_proof`).

A command whose answer was lost may also still be on its way, and be taken up when all probes were
answered. Each carries a counter and a meter refuses one that is not above the newest it has seen.
So a command with the *old* key and a newer counter is a fence: once it was taken, nothing that was
sent before can change the key. No meter to which a new key may be on its way is given up without
that fence; where it cannot be proven the case is parked and both keys stay in the ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import partial

from bench.errors import Ambiguous, PeerError
from bench.installation import DeviceSpec
from bench.migration.case import Case, CheckFailed, Parked
from bench.migration.codes import Code, code_of, retryable
from bench.migration.contact import require_wan
from bench.migration.key_proof import (
    SUA,
    may_be_wrong,
    newest_command,
    probe,
    record,
    settle,
)
from bench.migration.retrying import Chain
from bench.migration.undoing import Done, Undoing, irreversible
from bench.secret import Secret


def rotate_keys(case: Case) -> None:
    """Rotates the SUA key of every migrating meter, electricity first.

    Raises `CheckFailed` when a meter does not take its new key, or nobody can tell whether it did;
    the rollback then restores every meter that may have taken one.
    """
    for device in case.meters:
        _rotate(case, device)
    for device in case.meters:
        case.effects.keys.retire_previous(device.name, SUA)
    case.done.append(irreversible("old SUA keys retired"))


def _rotate(case: Case, device: DeviceSpec) -> None:
    keys = case.effects.keys
    old = keys.current(device.name, SUA)
    if old is None:
        raise CheckFailed(Code.NO_KEY, retryable=False)
    new = case.effects.new_key(f"{device.name}/{SUA}")
    keys.stage(device.name, SUA, new)
    chain = Chain(case, "3.3", "rotate", device.name)
    on_its_way = False
    while True:
        chain.start()
        sent = _send(case, device, new)
        if sent.reply is not Reply.NOT_TAKEN and not on_its_way:
            on_its_way = True
            restore = partial(restore_key, device=device)
            case.done.append(Done(f"SUA key of {device.name}", Undoing.COMPENSABLE, restore))
        if sent.reply is Reply.PROVEN:
            chain.succeeded()
            held: Secret | None = new
        elif sent.reply is Reply.NOT_TAKEN:
            chain.failed(sent.code, retryable=sent.again)
            held = old
        else:
            chain.unknown(sent.code)
            held = settle(case, device, new, old, answered=sent.answered)
        if held is new:
            keys.prove_staged(device.name, SUA)
            record(case, device, "new", "probe")
            return
        if held is None:
            raise CheckFailed(Code.NOT_SETTLED)
        if sent.reply is Reply.DOUBT:
            record(case, device, "old", "probe")
        if not sent.again or not chain.wait():
            if not on_its_way:
                keys.drop_staged(device.name, SUA)
            raise CheckFailed(sent.code)


class Reply(Enum):
    """What came of sending a device a key."""

    PROVEN = "proven"  # the device proved that it holds it
    NOT_TAKEN = "not taken"  # it said no, or was never reached: it holds what it held
    DOUBT = "doubt"  # the answer, or the proof, is missing or does not fit


@dataclass(frozen=True, slots=True)
class Sent:
    """`again`: another attempt could mend it. `answered`: the command was."""

    reply: Reply
    code: str = ""
    again: bool = True
    answered: bool = True


def _send(case: Case, device: DeviceSpec, key: Secret) -> Sent:
    """Asks the device to take `key`, then to prove that it holds it."""
    try:
        require_wan(case)
        counter = case.effects.keys.next_counter(device.name)
        case.meter(device).rotate_key(SUA, key, counter)
    except Ambiguous as error:
        return Sent(Reply.DOUBT, code_of(error), answered=False)
    except CheckFailed as error:
        return Sent(Reply.NOT_TAKEN, error.code, error.retryable)
    except PeerError as error:
        return Sent(Reply.NOT_TAKEN, code_of(error), retryable(error))
    try:
        proven = may_be_wrong(case, device) and probe(case, device, key)
    except PeerError as error:
        return Sent(Reply.DOUBT, code_of(error))
    return Sent(Reply.PROVEN) if proven else Sent(Reply.DOUBT, Code.WRONG_KEY)


def restore_key(case: Case, device: DeviceSpec) -> None:
    """The rollback of 2.6.4.1 for one meter: it is sent its old key, under newer counters.

    Also where it was proven to hold the old one, for a new one may still be on its way. Restored
    is what was proven to hold the old key and to have taken one of these commands. Its steps are
    not public; these are the bench's. Raises `Parked`; the ring then holds both keys.
    """
    keys = case.effects.keys
    previous, current = keys.previous(device.name, SUA), keys.current(device.name, SUA)
    if previous is not None:
        keys.stage(device.name, SUA, previous)
    old, new = (current, keys.staged(device.name, SUA)) if previous is None else (previous, current)
    assert old is not None, "kept until every meter is rotated"
    assert new is not None, "staged before it was sent"
    on_its_way = previous is None  # the new key; a proven one has arrived
    fence = keys.next_counter(device.name)
    for _ in range(case.defaults.count("restore-tries")):
        sent = _send(case, device, old)
        held: Secret | None = old if sent.reply is Reply.PROVEN else None
        if sent.reply is Reply.DOUBT:
            on_its_way = on_its_way or not sent.answered
            held = settle(case, device, old, new, answered=sent.answered)
        if held is old and newest_command(case, device) > fence:
            if previous is None:
                keys.drop_staged(device.name, SUA)
            else:
                keys.prove_staged(device.name, SUA)
                keys.retire_previous(device.name, SUA)
            record(case, device, "old", "probe")
            return
        if held is not None:
            record(case, device, "old" if held is old else "new", "probe")
        case.effects.sleep_until(case.effects.now() + case.defaults.duration("settle-interval"))
    if on_its_way and case.told.get(device.name) != "unknown":  # a proof need not stay true
        record(case, device, "unknown", "none")
    raise Parked(Code.NOT_SETTLED, f"{device.name}: the old key could not be restored")

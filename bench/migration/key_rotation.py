"""SUA key rotation and its rollback, 2.6.4.1, with the retries of 3.3 (group DA) [S rows 15-17].

A lost acknowledgement cannot be told from a lost command. So the old and the new key are both
kept until one is proven; after any doubt the new key is probed, then the old; only a positive
answer is proof; what cannot be proven is parked with an incident, never guessed. Every command
carries a fresh counter, so a device refuses one that arrives after a newer one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bench.devices import KeySlot
from bench.errors import Ambiguous, PeerError
from bench.installation import DeviceSpec
from bench.migration.case import Case, CheckFailed, Parked
from bench.migration.codes import Code, code_of, retryable
from bench.migration.contact import require_wan
from bench.migration.retrying import Chain
from bench.parties import Actor
from bench.secret import Secret
from bench.trace import Key

SUA = KeySlot.SUA


def rotate_keys(case: Case) -> None:
    """Rotates the SUA key of every migrating meter, electricity first.

    Raises `CheckFailed` when a meter keeps its old key for good (those done before it are
    restored by `restore_keys`), `Parked` when nobody can tell which key it holds.
    """
    for device in case.meters:
        _rotate(case, device)
    for device in case.meters:
        case.effects.keys.retire_previous(device.name, SUA)


def _rotate(case: Case, device: DeviceSpec) -> None:
    keys = case.effects.keys
    if keys.current(device.name, SUA) is None:
        raise CheckFailed(Code.NO_KEY, retryable=False)
    new = case.effects.new_key(f"{device.name}/{SUA}")
    keys.stage(device.name, SUA, new)
    chain = Chain(case, "3.3", "rotate", device.name)
    while True:
        chain.start()
        sent = _send(case, device, new)
        if sent.reply is Reply.PROVEN:
            chain.succeeded()
        elif sent.reply is Reply.NOT_TAKEN:
            chain.failed(sent.code, retryable=sent.again)
        else:
            chain.unknown(sent.code)
        if sent.reply is Reply.PROVEN or (sent.reply is Reply.DOUBT and _settle(case, device, new)):
            keys.prove_staged(device.name, SUA)
            _record(case, device, "new", "probe")
            case.rotated.append(device.name)
            return
        if sent.reply is Reply.DOUBT:
            _record(case, device, "old", "probe")
        if not sent.again or not chain.wait():
            keys.drop_staged(device.name, SUA)
            raise CheckFailed(sent.code)


class Reply(Enum):
    """What came of sending a device a key."""

    PROVEN = "proven"  # the device proved that it holds it
    NOT_TAKEN = "not taken"  # it said no, or was never reached: it holds what it held
    DOUBT = "doubt"  # the answer, or the proof, is missing or does not fit


@dataclass(frozen=True, slots=True)
class Sent:
    """`again`: another attempt could mend it."""

    reply: Reply
    code: str = ""
    again: bool = True


def _send(case: Case, device: DeviceSpec, key: Secret) -> Sent:
    """Asks the device to take `key`, then to prove that it holds it."""
    meter = case.meter(device)
    try:
        require_wan(case)
        meter.rotate_key(SUA, key, case.effects.keys.next_counter(device.name))
    except Ambiguous as error:
        return Sent(Reply.DOUBT, code_of(error))
    except CheckFailed as error:
        return Sent(Reply.NOT_TAKEN, error.code, error.retryable)
    except PeerError as error:
        return Sent(Reply.NOT_TAKEN, code_of(error), retryable(error))
    try:
        proven = meter.prove_key(SUA, key)
    except PeerError as error:
        return Sent(Reply.DOUBT, code_of(error))
    return Sent(Reply.PROVEN) if proven else Sent(Reply.DOUBT, Code.WRONG_KEY)


def _settle(case: Case, device: DeviceSpec, wanted: Secret) -> bool:
    """True: the device was proven to hold `wanted`; False: proven to hold the current key.

    Each key is probed until an answer comes, and once answered not again: two negative answers
    prove nothing, and more of them would trip the device's lockout.
    """
    _record(case, device, "unknown", "none")
    current = case.effects.keys.current(device.name, SUA)
    assert current is not None, "a device without a known key is never rotated"
    meter, pause = case.meter(device), case.defaults.duration("settle-interval")
    probes = [(wanted, True), (current, False)]
    for _ in range(case.defaults.count("settle-tries")):
        try:
            while probes:
                key, is_wanted = probes[0]
                if meter.prove_key(SUA, key):
                    return is_wanted
                del probes[0]
            break
        except PeerError:
            case.effects.sleep_until(case.effects.now() + pause)
    raise Parked(Code.NOT_SETTLED, f"{device.name}: neither the new nor the old key is proven")


def restore_keys(case: Case) -> None:
    """The rollback of 2.6.4.1: every rotated meter gets its old key back, the last one first.

    Its steps are not public; this order is the bench's. Raises `Parked` if a meter keeps the new
    key or cannot be proven to hold the old one.
    """
    for device in reversed([d for d in case.meters if d.name in case.rotated]):
        _restore(case, device)
        case.rotated.remove(device.name)


def _restore(case: Case, device: DeviceSpec) -> None:
    keys = case.effects.keys
    old = keys.previous(device.name, SUA)
    assert old is not None, "kept until every meter is rotated"
    keys.stage(device.name, SUA, old)
    for _ in range(case.defaults.count("restore-tries")):
        sent = _send(case, device, old)
        if sent.reply is Reply.PROVEN or (sent.reply is Reply.DOUBT and _settle(case, device, old)):
            keys.prove_staged(device.name, SUA)
            keys.retire_previous(device.name, SUA)
            _record(case, device, "old", "probe")
            return
        if sent.reply is Reply.DOUBT:
            _record(case, device, "new", "probe")
        case.effects.sleep_until(case.effects.now() + case.defaults.duration("settle-interval"))
    raise Parked(Code.NOT_SETTLED, f"{device.name}: the old key could not be restored")


def _record(case: Case, device: DeviceSpec, state: str, proof: str) -> None:
    case.emit(Key, device=device.name, key=SUA, state=state, proof=proof, actor=Actor.S1SP)

"""The account switch and the switch-back: 2.5.1.1, 2.5.2, and the rollback of 2.6.5."""

from __future__ import annotations

from contextlib import suppress

from bench.errors import Ambiguous, PeerError
from bench.migration.case import Case, CheckFailed, Parked
from bench.migration.codes import Code
from bench.migration.contact import require_wan
from bench.migration.undoing import Done, Undoing
from bench.parties import Actor, FileReceived, Group, Holder
from bench.units import Micros

FILE_SET_LIMIT = "2.5.2.file-set-limit"


def check_before_switch(case: Case) -> None:
    """2.5.1.1, checks before the account switch (group DA) [S row 9].

    Which checks is not public. The bench's default: the SMSO still holds the account, and the hub
    is on the WAN.
    """
    if case.effects.smso.account_holder() is not Holder.SMSO:
        raise CheckFailed(Code.ACCOUNT)
    require_wan(case)


def switch_account(case: Case) -> None:
    """2.5.2: the SMSO transfers account control to the DCC Total System and sends the RFS.

    For group DA the RFS must be held within the limit from the MVF's generation [S row 10]; the
    other groups wait for it as long as the bench's default says.
    """
    awaited = None
    try:
        case.effects.smso.transfer_account()
    except Ambiguous:
        awaited = Holder.DCC
    if settle_holder(case, awaited) is not Holder.DCC:
        raise CheckFailed(Code.ACCOUNT)
    case.account(Holder.DCC, Actor.SMSO)
    case.done.append(Done("account switched", Undoing.REVERSIBLE, switch_back))
    _await_file_set(case, _file_set_deadline(case))


def _file_set_deadline(case: Case) -> Micros:
    if case.group is not Group.DA:
        return case.effects.now() + case.defaults.duration("file-set-wait")
    assert case.mvf_at is not None, "the MVF is generated before the account is switched"
    deadline = case.mvf_at + case.strategy.duration(FILE_SET_LIMIT)
    return deadline if case.strategy.choice("boundary") == "inclusive" else deadline - 1


def _await_file_set(case: Case, deadline: Micros) -> None:
    """An incomplete file set is not the file set: the wait goes on.

    Settling the switch may have outlasted the deadline; what lies in the mailbox then is too late.
    """
    code = Code.NO_FILE_SET
    while case.effects.now() <= deadline:
        received = case.effects.receive(FileReceived, deadline)
        if received is None:
            break
        file = received[1]
        if file.file == "RFS" and file.complete:
            case.file_set = file.devices
            case.file("RFS", "received", Actor.SMSO)
            return
        code = Code.FILE_SET_INCOMPLETE
    raise CheckFailed(code)


def settle_holder(case: Case, awaited: Holder | None = None) -> Holder:
    """Asks the SMSO who holds the account until it answers; raises `Parked` when it never does.

    `awaited`: whom a switch was asked to that was not answered. The SMSO may be at it still, so it
    is asked on until that one holds the account. If that does not come about the switch may come
    yet, when nobody looks: no counter stops it. So that, too, is parked.
    """
    for _ in range(case.defaults.count("settle-tries")):
        with suppress(PeerError):
            holder = case.effects.smso.account_holder()
            if awaited is None or holder is awaited:
                return holder
        pause = case.defaults.duration("settle-interval")
        case.effects.sleep_until(case.effects.now() + pause)
    if awaited is None:
        raise Parked(Code.NOT_SETTLED, "the SMSO does not say who holds the account")
    raise Parked(Code.NOT_SETTLED, f"nobody knows whether the {awaited} will get the account")


def switch_back(case: Case) -> None:
    """The S1SP switches the account back from DCC to the SMSO [S row 12].

    Only while every SUA key is proven old. It is tried again where it was answered and not done; a
    refusal is an incident, and so is a doubt: the installation is parked.
    """
    for _ in range(case.defaults.count("settle-tries")):
        awaited = None
        try:
            case.effects.smso.take_account_back()
        except Ambiguous:
            awaited = Holder.SMSO
        except PeerError as error:
            raise Parked(Code.ACCOUNT, f"the account cannot be switched back: {error}") from None
        if settle_holder(case, awaited) is Holder.SMSO:
            case.account(Holder.SMSO, Actor.S1SP)
            return
    raise Parked(Code.NOT_SETTLED, "the account was not switched back, however often asked")

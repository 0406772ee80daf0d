"""From the submission to the migration validation file: 2.4.1.1, MCF, 2.4.4, 2.4.5, MVF."""

from __future__ import annotations

from collections.abc import Iterable

from bench.devices import KeySlot
from bench.errors import PeerError
from bench.migration.case import Case, CheckFailed
from bench.migration.codes import Code, code_of, retryable
from bench.migration.contact import require_han, require_identity, require_wan
from bench.migration.key_proof import probe
from bench.parties import (
    Actor,
    Group,
    ListedDevice,
    SubmissionReceived,
    SubmissionsEnded,
    Validation,
)
from bench.trace import Attempt


def check_installation(case: Case) -> None:
    """2.4.1.1, installation-level checks before the MCF is generated (group DA) [S row 7].

    Which checks is not public. The bench's default: the hub is on the WAN, every device is on its
    HAN and is the one listed, and each meter holds the SUA key that the S1SP holds for it.
    """
    require_wan(case)
    require_han(case)
    for device in case.migrating:
        require_identity(case, device)
    for device in case.meters:
        key = case.effects.keys.current(device.name, KeySlot.SUA)
        if key is None:
            raise CheckFailed(Code.NO_KEY, retryable=False)
        if not probe(case, device, key):
            raise CheckFailed(Code.WRONG_KEY, retryable=False)


def generate_mcf(case: Case) -> None:
    """The Requesting Party submits; the migration common file is generated from what it lists."""
    case.effects.requesting_party.open()
    if case.group is Group.EA:
        _take_submissions(case)
    else:
        _take_one_submission(case)
    case.file("MCF", "generated")


def _take_one_submission(case: Case) -> None:
    until = case.effects.now() + case.defaults.duration("submission-wait")
    received = case.effects.receive(SubmissionReceived, until)
    if received is None:
        raise CheckFailed(Code.NO_SUBMISSION)
    submission = received[1]
    case.submitted = submission.devices
    case.effects.requesting_party.answer(submission.number, Validation(True), retryable=False)


def _take_submissions(case: Case) -> None:
    """Group EA: each submission is an attempt of 3.4.1, repeated by the Requesting Party [C s5].

    What the attempt consists of is not public. The bench's default: the S1SP takes a submission
    on if it reaches the installation's hub over the WAN.
    """
    code: str = Code.NO_SUBMISSION
    while True:
        until = case.effects.now() + case.defaults.duration("submission-wait")
        received = case.effects.receive_any((SubmissionReceived, SubmissionsEnded), until)
        if received is None or not isinstance(received[1], SubmissionReceived):
            raise CheckFailed(code)
        submission = received[1]
        try:
            require_wan(case)
            require_identity(case, case.installation.hub)
        except PeerError as error:
            code, again = code_of(error), retryable(error)
        except CheckFailed as error:
            code, again = error.code, error.retryable
        else:
            _answer(case, submission, "", again=False)
            case.submitted = submission.devices
            return
        _answer(case, submission, code, again=again)
        if not again:
            raise CheckFailed(code, retryable=False)


def _answer(case: Case, submission: SubmissionReceived, code: str, *, again: bool) -> None:
    case.emit(
        Attempt,
        section="3.4.1",
        number=submission.number,
        operation="submission",
        started=submission.submitted,
        outcome="failed" if code else "succeeded",
        code=code or None,
        retryable=again or not code,
        actor=Actor.REQUESTING_PARTY,
    )
    answer = Validation(not code, code)
    case.effects.requesting_party.answer(submission.number, answer, retryable=again)


def validate_at_s1sp(case: Case) -> None:
    """2.4.4, the processing S1SP's own role [S row 8].

    What it checks is not public; the bench's default: the submission, the SMSO's books and the
    installation as the S1SP knows it list the same devices.
    """
    listed = _ids(device.listed for device in case.installation.devices)
    if _ids(case.submitted) != listed or _ids(case.effects.smso.listed_devices()) != listed:
        raise CheckFailed(Code.DEVICES, retryable=False)


def _ids(devices: Iterable[ListedDevice]) -> set[tuple[str, str]]:
    return {(device.eui64, device.model) for device in devices}


def validate_common(case: Case) -> None:
    """2.4.5, the Migration Common Validation Function of the IOC S1SP [S row 8]."""
    validation = case.effects.ioc_s1sp.validate_common(case.submitted)
    if not validation.accepted:
        raise CheckFailed(validation.code)


def generate_mvf(case: Case) -> None:
    """The migration validation file; the DA file-set limit runs from here [S row 10]."""
    case.mvf_at = case.effects.now()
    case.file("MVF", "generated")

"""The emulated parties: what they do at once, later, wrongly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from bench.emulation import (
    Books,
    DspBehaviour,
    IocS1spBehaviour,
    MccBehaviour,
    Moment,
    PartyBehaviours,
    Reply,
    RequestingPartyBehaviour,
    SmsoBehaviour,
    SupplierBehaviour,
    Try,
)
from bench.errors import Ambiguous, NoReply, PeerError, Refused
from bench.parties import (
    AuthorisationReceived,
    FileReceived,
    Holder,
    IncidentResolved,
    SubmissionReceived,
    SubmissionsEnded,
    Validation,
)
from bench.units import DAY, HOUR, MINUTE, SECOND, Micros, format_instant, parse_instant

if TYPE_CHECKING:
    from tests.emulators.conftest import World

NO = Validation(False, "X")
SPLIT = ("Alpha Energy", "Beta Gas")


def smso(build: Callable[..., World], **how: object) -> World:
    return build(behaviours=PartyBehaviours(smso=SmsoBehaviour(**how)))  # type: ignore[arg-type]


# --- SMSO


def test_a_transfer_takes_its_time_and_the_files_follow(world: World) -> None:
    world.parties.smso.transfer_account()
    assert world.clock.now() - world.start == 5 * MINUTE
    assert world.parties.smso.account_holder() is Holder.DCC
    [(at, message)] = world.arrivals(FileReceived, within=DAY)
    assert at == 5 * MINUTE + HOUR
    assert message == FileReceived(
        "RFS", True, tuple(spec.listed for spec in world.installation.devices)
    )


def test_what_is_already_so_is_refused_and_done_once(world: World) -> None:
    with pytest.raises(Refused, match="already-held"):
        world.parties.smso.take_account_back()
    world.parties.smso.transfer_account()
    with pytest.raises(Refused, match="already-held"):
        world.parties.smso.transfer_account()
    world.parties.smso.take_account_back()
    assert world.emulated.truth().account is Holder.SMSO
    assert world.emulated.truth().executed["SMSO"] == {
        "transfer_account": 1,
        "take_account_back": 1,
    }
    assert world.arrivals(FileReceived, within=DAY) == [], "withheld once the account is back"


REPLIES: list[tuple[Reply, type[PeerError], Holder]] = [
    (Reply.REFUSED, Refused, Holder.SMSO),
    (Reply.SILENT, Ambiguous, Holder.SMSO),
    (Reply.REPLY_LOST, Ambiguous, Holder.DCC),
]


@pytest.mark.parametrize(("reply", "error", "holder"), REPLIES)
def test_how_the_smso_takes_a_transfer(
    build: Callable[..., World], reply: Reply, error: type[PeerError], holder: Holder
) -> None:
    world = smso(build, transfer=reply, code="S1")
    with pytest.raises(error) as caught:
        world.parties.smso.transfer_account()
    assert type(caught.value) is error
    assert caught.value.code == ("S1" if reply is Reply.REFUSED else "")
    waited = 5 * MINUTE if reply is Reply.REFUSED else 10 * MINUTE
    assert world.clock.now() - world.start == waited
    assert world.emulated.truth().account is holder
    files = world.arrivals(FileReceived, within=DAY)
    assert len(files) == (holder is Holder.DCC)


@pytest.mark.parametrize(("reply", "error", "holder"), REPLIES)
def test_how_the_smso_takes_a_switch_back(
    build: Callable[..., World], reply: Reply, error: type[PeerError], holder: Holder
) -> None:
    world = smso(build, take_back=reply)
    world.parties.smso.transfer_account()
    with pytest.raises(error):
        world.parties.smso.take_account_back()
    back = holder is Holder.DCC  # what was done the other way round
    assert world.emulated.truth().account is (Holder.SMSO if back else Holder.DCC)


def test_a_transfer_slower_than_the_time_out_happens_all_the_same(
    build: Callable[..., World],
) -> None:
    world = smso(build, transfer_takes=HOUR)
    with pytest.raises(Ambiguous):
        world.parties.smso.transfer_account()
    assert world.emulated.truth().account is Holder.SMSO
    world.wait(HOUR)
    assert world.emulated.truth().account is Holder.DCC


@pytest.mark.parametrize(("files_after", "complete", "count"), [(None, True, 0), (HOUR, False, 1)])
def test_files_may_be_missing_or_incomplete(
    build: Callable[..., World], files_after: Micros | None, complete: bool, count: int
) -> None:
    world = smso(build, files_after=files_after, files_complete=complete)
    world.parties.smso.transfer_account()
    files = [message for _, message in world.arrivals(FileReceived, within=3 * DAY)]
    assert len(files) == count
    assert all(isinstance(file, FileReceived) and not file.complete for file in files)


def test_books_may_be_wrong(build: Callable[..., World]) -> None:
    right = [spec.listed for spec in build().installation.devices]
    assert list(build().parties.smso.listed_devices()) == right
    assert list(smso(build, books=Books.MISSING_DEVICE).parties.smso.listed_devices()) == right[:-1]
    wrong = list(smso(build, books=Books.WRONG_DEVICE).parties.smso.listed_devices())
    assert wrong[1:] == right[1:]
    assert wrong[0].eui64 not in {device.eui64 for device in right}


def test_faults_strike_parties_too(world: World) -> None:
    world.parties.smso.transfer_account()
    world.strike("reply-lost", "SMSO", moment=Moment(request="take_account_back"))
    with pytest.raises(Ambiguous):
        world.parties.smso.take_account_back()
    assert world.emulated.truth().account is Holder.SMSO
    world.strike("acknowledged-not-done", "DSP", moment=Moment(request="*"), times=2)
    world.parties.dsp.update_chf()
    assert world.parties.dsp.raise_incident("nothing comes of it") == ("INC-0001", "DSP")
    assert not world.parties.dsp.chf_updated()
    assert world.arrivals(IncidentResolved, within=DAY) == []


# --- Requesting Party


class FiveTimesFourHours:
    """A policy with the numbers of 3.4.1, apart from the product's own schedule."""

    reason = "five repeats were made"

    def next_at(self, tries: Sequence[Try]) -> Micros | None:
        return tries[-1].ended + 4 * HOUR if len(tries) <= 5 else None


def submit_all(world: World, *, retryable: bool = True) -> tuple[list[Micros], str | None]:
    """Answers every submission with no after a minute; the waits between, and why it ended."""
    party = world.parties.requesting_party
    party.open()
    waits: list[Micros] = []
    ended, reason = world.clock.now(), None
    while taken := world.inbox.take(
        (SubmissionReceived, SubmissionsEnded), world.clock.now() + 3 * DAY
    ):
        at, message = taken
        if isinstance(message, SubmissionsEnded):
            reason = message.reason
            break
        assert isinstance(message, SubmissionReceived)
        assert message.number == len(waits) + 1
        assert message.submitted == at
        waits.append(at - ended)
        world.wait(MINUTE)
        party.answer(message.number, NO, retryable=retryable)
        ended = world.clock.now()
    return waits, reason


def requesting(build: Callable[..., World], *, policy: bool = True, **how: object) -> World:
    behaviour = RequestingPartyBehaviour(**how)  # type: ignore[arg-type]
    return build(
        behaviours=PartyBehaviours(requesting_party=behaviour),
        resubmission=FiveTimesFourHours() if policy else None,
    )


FIRST = 10 * MINUTE


@pytest.mark.parametrize(
    ("how", "waits", "reason"),
    [
        ({}, [FIRST] + [4 * HOUR] * 5, "five repeats were made"),
        ({"wait": 5 * MINUTE}, [FIRST] + [5 * MINUTE] * 5, "five repeats were made"),
        ({"repeats": 2}, [FIRST] + [4 * HOUR] * 2, "gave up after 2 repeats"),
        ({"repeats": 7}, [FIRST] + [4 * HOUR] * 7, "gave up after 7 repeats"),
        ({"repeats": 7, "wait": HOUR}, [FIRST] + [HOUR] * 7, "gave up after 7 repeats"),
        ({"repeats": 0}, [FIRST], "gave up after 0 repeats"),
        ({"submits_after": None}, [], None),
        ({"policy": False}, [FIRST], None),
        ({"policy": False, "repeats": 3, "wait": HOUR}, [FIRST], None),
    ],
)
def test_when_the_requesting_party_tries_again(
    build: Callable[..., World], how: dict[str, object], waits: list[Micros], reason: str | None
) -> None:
    assert submit_all(requesting(build, **how)) == (waits, reason)  # type: ignore[arg-type]


def test_it_does_not_repeat_what_a_repeat_cannot_mend(build: Callable[..., World]) -> None:
    waits, reason = submit_all(requesting(build), retryable=False)
    assert waits == [FIRST]
    assert reason == "another try cannot mend it"


def test_it_ends_with_a_yes_and_starts_afresh_with_each_opening(
    build: Callable[..., World],
) -> None:
    world = requesting(build)
    party = world.parties.requesting_party
    for _ in range(2):
        party.open()
        [(_, message)] = world.arrivals(SubmissionReceived, within=HOUR)
        assert isinstance(message, SubmissionReceived)
        assert message.number == 1
        party.answer(99, NO, retryable=True)  # not an answer to anything it sent
        party.answer(1, Validation(True), retryable=True)
        assert world.arrivals(SubmissionReceived, SubmissionsEnded, within=2 * DAY) == []


def test_its_list_may_be_wrong(build: Callable[..., World]) -> None:
    world = requesting(build, lists=Books.MISSING_DEVICE)
    world.parties.requesting_party.open()
    [(_, message)] = world.arrivals(SubmissionReceived, within=HOUR)
    assert isinstance(message, SubmissionReceived)
    assert len(message.devices) == len(world.installation.devices) - 1


# --- MCC and suppliers


def test_the_calendar_is_of_whole_weeks_from_monday_to_monday(build: Callable[..., World]) -> None:
    world = build(suppliers=SPLIT)
    weeks = world.parties.mcc.calendar()
    assert [format_instant(week.start) for week in weeks] == [
        "2021-04-12T00:00:00Z",  # a Monday, the first at least two days after a Thursday
        "2021-04-26T00:00:00Z",
    ]
    assert all(week.end - week.start == 7 * DAY for week in weeks)
    world.wait(5 * DAY)
    assert world.parties.mcc.calendar() == weeks, "a week that has begun is still told"
    world.clock.sleep_until(weeks[0].end)
    later = world.parties.mcc.calendar()
    assert later[0] == weeks[1]
    assert later[1].start - weeks[1].start == 14 * DAY


def test_there_is_no_calendar_for_single_supply(world: World) -> None:
    assert world.parties.mcc.calendar() == ()


def test_two_openings_in_a_row_start_on_a_monday_itself(build: Callable[..., World]) -> None:
    monday = parse_instant("2021-04-12T00:00:00Z")
    world = build(
        suppliers=SPLIT,
        start=monday - SECOND,
        behaviours=PartyBehaviours(mcc=MccBehaviour(first_week_after=0, weeks=1)),
    )
    assert [week.start for week in world.parties.mcc.calendar()] == [monday]


@pytest.mark.parametrize(
    ("how", "codes"),
    [
        (MccBehaviour(), ["", "", ""]),
        (MccBehaviour(eligible=False), ["MA110"] * 3),
        (MccBehaviour(code="MA001"), ["MA001"] * 3),
        (MccBehaviour(code="MA002", rejects=2), ["MA002", "MA002", ""]),
    ],
)
def test_validation_by_2_3_2(
    build: Callable[..., World], how: MccBehaviour, codes: list[str]
) -> None:
    world = build(behaviours=PartyBehaviours(mcc=how))
    authorisation = AuthorisationReceived("Alpha Energy", world.start)
    answers = [world.parties.mcc.validate(authorisation) for _ in codes]
    assert answers == [Validation(not code, code) for code in codes]
    stranger = AuthorisationReceived("Gamma", world.start)
    assert world.parties.mcc.validate(stranger) == Validation(False, "unknown-supplier")


def test_a_single_supplier_authorises_after_the_opening(world: World) -> None:
    world.parties.suppliers["Alpha Energy"].open(())
    world.parties.suppliers["Alpha Energy"].open(())  # the second opening replaces the first
    assert world.arrivals(AuthorisationReceived, within=DAY) == [
        (HOUR, AuthorisationReceived("Alpha Energy", world.start + HOUR))
    ]


def test_split_suppliers_authorise_in_their_weeks_or_miss_them(
    build: Callable[..., World],
) -> None:
    late = {"Beta Gas": SupplierBehaviour(authorises_after=8 * DAY)}
    world = build(suppliers=SPLIT, behaviours=PartyBehaviours(suppliers=late))
    weeks = world.parties.mcc.calendar()
    for supplier in world.parties.suppliers.values():
        supplier.open(weeks)
    arrivals = world.arrivals(AuthorisationReceived, within=60 * DAY)
    by_name = {name: [at for at, message in arrivals if message.supplier == name]  # type: ignore[union-attr]
               for name in SPLIT}  # fmt: skip
    starts = [week.start - world.start for week in weeks]
    assert by_name == {
        "Alpha Energy": [start + HOUR for start in starts],
        "Beta Gas": [start + 8 * DAY for start in starts],
    }


def test_a_supplier_that_never_authorises(build: Callable[..., World]) -> None:
    never = {"Alpha Energy": SupplierBehaviour(authorises_after=None)}
    world = build(behaviours=PartyBehaviours(suppliers=never))
    world.parties.suppliers["Alpha Energy"].open(())
    assert world.arrivals(AuthorisationReceived, within=DAY) == []


# --- DSP and IOC S1SP


@pytest.mark.parametrize(
    ("reply", "error", "updated"),
    [(Reply.REFUSED, Refused, False), (Reply.SILENT, Ambiguous, False),
     (Reply.REPLY_LOST, Ambiguous, True)],
)  # fmt: skip
def test_an_update_of_the_chf_record_may_fail_for_a_while(
    build: Callable[..., World], reply: Reply, error: type[PeerError], updated: bool
) -> None:
    how = DspBehaviour(smi=reply, smi_failures=2, code="D1")
    world = build(behaviours=PartyBehaviours(dsp=how))
    for _ in range(2):
        with pytest.raises(error):
            world.parties.dsp.update_chf()
        assert world.parties.dsp.chf_updated() is updated
    world.parties.dsp.update_chf()
    assert world.parties.dsp.chf_updated()


def test_a_resolved_incident_mends_the_record(build: Callable[..., World]) -> None:
    how = DspBehaviour(smi=Reply.REFUSED, acting_party="S1SP")
    world = build(behaviours=PartyBehaviours(dsp=how))
    with pytest.raises(Refused):
        world.parties.dsp.update_chf()
    incident = world.parties.dsp.raise_incident("the CHF record")
    raised = world.clock.now() - world.start
    assert incident == ("INC-0001", "S1SP")
    assert not world.emulated.truth().chf_updated
    assert world.arrivals(IncidentResolved, within=DAY) == [
        (raised + 6 * HOUR, IncidentResolved(*incident))
    ]
    assert world.emulated.truth().chf_updated


def test_an_incident_about_something_else_updates_nothing(world: World) -> None:
    world.parties.dsp.raise_incident("a key that cannot be proven")
    assert len(world.arrivals(IncidentResolved, within=DAY)) == 1
    assert not world.emulated.truth().chf_updated


def test_an_incident_may_stay_unresolved(build: Callable[..., World]) -> None:
    world = build(behaviours=PartyBehaviours(dsp=DspBehaviour(resolves_after=None)))
    world.parties.dsp.raise_incident("x")
    assert world.arrivals(IncidentResolved, within=30 * DAY) == []


def test_the_common_validation(build: Callable[..., World]) -> None:
    def ask(how: IocS1spBehaviour) -> Validation:
        world = build(behaviours=PartyBehaviours(ioc_s1sp=how))
        return world.parties.ioc_s1sp.validate_common(())

    assert ask(IocS1spBehaviour()) == Validation(True)
    assert ask(IocS1spBehaviour(code="C7")) == Validation(False, "C7")
    with pytest.raises(NoReply):
        ask(IocS1spBehaviour(silent=True))

"""What becomes of a recipient after an attempt, as a table and as properties."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram.exceptions import BadHeaderError, InvalidMailer
from aerogram.mail.delivery.report import DeliveryReport, RecipientResult
from aerogram.mail.smtp.replies import ConnectionLost, Reply
from aerogram.outbox import retries
from aerogram.outbox.claimed import Claim
from aerogram.outbox.retries import Outcome, Verdict, judge
from aerogram.outbox.retries.errors import judge_error, report_of_error
from aerogram.outbox.retries.waits import BACKOFF, backoff, pause, uncertain_due

NOW = 1_800_000_000_000
ANN, BOB = "ann@example.com", "bob@example.com"


def mail_to(
    *recipients: str, attempts: dict[str, int] | None = None, uncertain: int = 0, crashes: int = 0
) -> Claim:
    """Return a mail that was attempted."""
    return Claim(
        id="1",
        token=1,
        mailer=None,
        sender="shop@example.com",
        recipients=recipients or (ANN,),
        content=b"",
        attempts=attempts or {},
        crashes=crashes,
        uncertain=uncertain,
        lease=60.0,
    )


def result(status: str, code: int | None = None, enhanced: str | None = None) -> RecipientResult:
    return RecipientResult(status, code, enhanced, "text")  # type: ignore[arg-type] # one of the four


def judged(report: DeliveryReport, mail: Claim | None = None, **options: object) -> Verdict:
    return judge(report, mail or mail_to(), jitter=lambda: 0.5, **options)  # type: ignore[arg-type] # the options of judge()


def outcome(
    *arguments: object, handed_over: bool = False, mail: Claim | None = None, **options: object
) -> Outcome:
    report = DeliveryReport({ANN: result(*arguments)}, handed_over=handed_over)  # type: ignore[arg-type] # those of result()
    (found,) = judged(report, mail, **options).outcomes
    return found


@pytest.mark.parametrize(
    ("answer", "handed_over", "state", "seconds", "counts", "transport"),
    [
        (("sent", 250), True, "sent", None, True, "up"),
        (("refused", 550, "5.1.1"), False, "refused", None, True, "up"),
        (("refused", 554, "5.7.1"), True, "refused", None, True, "up"),
        (("deferred", 450, "4.2.1"), False, "pending", 30, True, "up"),
        (("deferred", 451), True, "pending", 30, True, "up"),
        (("deferred", 421), True, "pending", 30, True, "up"),
        (("deferred", 421), False, "pending", 1, False, "down"),
        (("deferred", None), False, "pending", 1, False, "down"),
        (("refused", 530, "5.7.0"), False, "pending", 30, False, "misconfigured"),
        (("uncertain",), True, "pending", 990, True, "up"),
    ],
)
def test_each_answer_has_one_outcome(answer, handed_over, state, seconds, counts, transport) -> None:
    report = DeliveryReport({ANN: result(*answer)}, handed_over=handed_over)
    verdict = judged(report)
    (found,) = verdict.outcomes
    delay = None if seconds is None else seconds * 1000
    assert (found.state, found.delay, found.counts, verdict.transport) == (state, delay, counts, transport)
    assert (found.code, found.enhanced_code) == (*answer[1:], None, None)[:2]


@pytest.mark.parametrize(
    "code", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.7.1", "5.2.2", "5.3.4", None]
)
def test_only_an_address_that_does_not_exist_is_suppressed(code: str | None) -> None:
    assert outcome("refused", 550, code).suppress is (code in retries.HARD_BOUNCES)
    # The same code in answer to the content is about the content.
    assert outcome("refused", 550, code, handed_over=True).suppress is False


def test_a_recipient_refused_beside_one_accepted_is_suppressed() -> None:
    report = DeliveryReport(
        {ANN: result("sent", 250), BOB: result("refused", 550, "5.1.1")}, handed_over=True
    )
    ann, bob = judged(report, mail_to(ANN, BOB)).outcomes
    assert (ann.state, bob.state, bob.suppress) == ("sent", "refused", True)


def test_a_content_that_was_cut_off_counts_and_leaves_the_server_alone() -> None:
    found = outcome("deferred", content_began=True)
    assert (found.counts, found.delay) == (True, 30_000)


def test_an_uncertain_mail_is_sent_again_twice_and_then_held() -> None:
    states = [
        outcome("uncertain", handed_over=True, mail=mail_to(uncertain=times)).state for times in range(4)
    ]
    assert states == ["pending", "pending", "uncertain", "uncertain"]
    assert outcome("uncertain", handed_over=True, on_uncertain="hold").state == "uncertain"


def test_an_unexpected_error_counts_and_ends_at_the_third() -> None:
    verdicts = [judged(DeliveryReport(error=RuntimeError("boom")), mail_to(crashes=n)) for n in range(3)]
    assert [verdict.outcomes[0].state for verdict in verdicts] == ["pending", "pending", "refused"]
    assert [verdict.crashed for verdict in verdicts] == [True] * 3
    assert "RuntimeError: boom" in verdicts[0].outcomes[0].text


def test_a_message_that_cannot_be_written_is_dead_at_once() -> None:
    assert judged(DeliveryReport(error=BadHeaderError("no"))).outcomes[0].state == "refused"


def test_a_mailer_that_redirects_or_drops_recipients_decides_for_them() -> None:
    redirected = judged(DeliveryReport({"me@example.com": result("sent", 250)}), mail_to(ANN, BOB))
    assert {each.state for each in redirected.outcomes} == {"sent"}
    filtered = judged(DeliveryReport({ANN: result("sent", 250)}), mail_to(ANN, BOB))
    assert [each.state for each in filtered.outcomes] == ["sent", "refused"]
    assert judged(DeliveryReport()).outcomes[0].state == "refused"


@pytest.mark.parametrize(
    ("error", "transport"),
    [
        (ConnectionRefusedError(), "down"),
        (socket.gaierror(-2, "unknown"), "down"),
        (TimeoutError(), "down"),
        (smtplib.SMTPServerDisconnected("gone"), "down"),
        (smtplib.SMTPConnectError(421, b"busy"), "down"),
        (smtplib.SMTPConnectError(554, b"go away"), "misconfigured"),
        (smtplib.SMTPHeloError(550, b"no"), "misconfigured"),
        (smtplib.SMTPAuthenticationError(535, b"no"), "misconfigured"),
        (smtplib.SMTPAuthenticationError(454, b"later"), "down"),
        (smtplib.SMTPNotSupportedError("STARTTLS"), "misconfigured"),
        (ConnectionLost("421 bye", Reply(421, b"bye")), "down"),
        (ssl.SSLCertVerificationError("self-signed"), "misconfigured"),
        (ssl.SSLEOFError("eof"), "down"),
        (InvalidMailer("no such option"), "misconfigured"),
        (RuntimeError("boom"), "up"),
    ],
)
def test_an_error_of_the_backend_says_who_is_to_blame(error: Exception, transport: str) -> None:
    assert judge_error(error) == transport
    verdict = judged(DeliveryReport(error=error))
    assert verdict.transport == transport
    assert all(each.counts is (transport == "up") for each in verdict.outcomes)


@pytest.mark.parametrize(
    ("error", "state", "transport"),
    [
        (smtplib.SMTPRecipientsRefused({ANN: (550, b"5.1.1 no such user")}), "refused", "up"),
        (smtplib.SMTPSenderRefused(451, b"later", "a@b.c"), "pending", "up"),
        (smtplib.SMTPDataError(554, b"5.1.1 spam"), "refused", "up"),
        (smtplib.SMTPServerDisconnected("gone"), "uncertain", "up"),
        (TimeoutError(), "uncertain", "up"),
    ],
)
def test_an_error_instead_of_a_report_says_what_it_can(error, state, transport) -> None:
    report = report_of_error(error, (ANN,))
    assert report is not None
    verdict = judged(report, on_uncertain="hold")
    assert (verdict.outcomes[0].state, verdict.transport) == (state, transport)
    assert verdict.outcomes[0].suppress is isinstance(error, smtplib.SMTPRecipientsRefused)


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), smtplib.SMTPConnectError(421, b""), InvalidMailer(""), KeyError("x")]
)
def test_an_error_before_the_mail_says_nothing_of_it(error: Exception) -> None:
    assert report_of_error(error, (ANN,)) is None


def test_the_back_off_is_the_promised_one() -> None:
    assert [backoff(n, jitter=lambda: 0.5) for n in range(1, 9)] == [*map(float, BACKOFF), BACKOFF[-1]]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_stay_within_a_fifth(times: int, jitter: float) -> None:
    expected = BACKOFF[min(times, len(BACKOFF)) - 1]
    assert 0.8 * expected <= backoff(times, jitter=lambda: jitter) <= 1.2 * expected + 1e-9
    assert 0.8 <= pause("down", times, jitter=lambda: jitter) <= 72
    due = uncertain_due(1, NOW, "retry", jitter=lambda: jitter)
    assert due is not None
    assert due >= NOW + 900_000


statuses = st.sampled_from(["sent", "refused", "deferred", "uncertain"])
codes = st.sampled_from([None, 250, 421, 450, 451, 452, 530, 535, 550, 552, 554])
results = st.builds(RecipientResult, statuses, codes, st.sampled_from([None, "5.1.1", "4.2.1", "5.7.1"]))


@given(
    st.dictionaries(st.sampled_from([ANN, BOB, "me@example.com"]), results),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["retry", "hold"]),
    st.integers(0, 4),
)
def test_every_recipient_has_one_outcome_and_none_that_was_sent_is_sent_again(
    known: dict[str, RecipientResult], handed_over: bool, began: bool, policy: str, uncertain: int
) -> None:
    mail = mail_to(ANN, BOB, uncertain=uncertain)
    report = DeliveryReport(known, handed_over=handed_over)
    verdict = judged(report, mail, on_uncertain=policy, content_began=began)
    assert [each.address for each in verdict.outcomes] == [ANN, BOB]
    for each in verdict.outcomes:
        assert (each.delay is not None) == (each.state == "pending")
        assert each.delay != 0
        if (answer := known.get(each.address)) is not None:
            assert (answer.status == "sent") == (each.state == "sent")
            if answer.status == "uncertain":
                assert each.delay is None or each.delay >= 900_000

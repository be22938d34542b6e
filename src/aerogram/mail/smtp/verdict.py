"""What the replies to MAIL and RCPT mean for each recipient."""

from __future__ import annotations

from aerogram.mail.smtp.outgoing import Outgoing
from aerogram.mail.smtp.replies import (
    Reply,
    asks_for_another_transaction,
    check_in_step,
    result_of,
    took,
)

__all__ = ["settle_for_good", "weigh"]


def weigh(item: Outgoing, recipients: list[str], mail: Reply, rcpts: list[Reply]) -> list[str]:
    """Settle the recipients who were refused; return those who were accepted."""
    for code, _ in (mail, *rcpts):
        if not 200 <= code < 300:
            break
    else:  # nearly always
        return recipients
    check_in_step(mail)
    if not took(mail):
        item.settle(recipients, result_of(*mail))
        return []
    accepted = []
    crowded = {}
    for recipient, reply in zip(recipients, rcpts, strict=True):
        check_in_step(reply)
        if took(reply):
            accepted.append(recipient)
        elif asks_for_another_transaction(*reply):
            crowded[recipient] = reply
        else:
            item.settle([recipient], result_of(*reply))
    if not accepted:  # then another transaction would fare no better
        for recipient, reply in crowded.items():
            item.settle([recipient], result_of(*reply))
    return accepted


def settle_for_good(item: Outgoing, recipients: list[str], replies: list[Reply]) -> None:
    """Settle those who had been refused when the connection broke; ``replies`` begin with MAIL's."""
    if replies and took(replies[0]):
        for recipient, reply in zip(recipients, replies[1:], strict=False):
            if reply[0] >= 500 and reply[0] != 503 and not asks_for_another_transaction(*reply):
                item.settle([recipient], result_of(*reply))

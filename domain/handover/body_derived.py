"""What is derived from a message, in a body: conversation, envelope, programs, authenticity."""

from postroom.domain.handover import body_limits as limits
from postroom.domain.handover.body_types import Authentication, Automated, Bounce, Envelope, Thread
from postroom.domain.mail.authentication import authentication_of
from postroom.domain.mail.automated import automated_of
from postroom.domain.mail.bounce import Bounce as MailBounce
from postroom.domain.mail.envelope import envelope_of
from postroom.domain.mail.message import Message
from postroom.domain.mail.thread import thread_of
from postroom.domain.mail.trusted_servers import TrustedServers

MAX_RECIPIENTS = 100


def body_thread(message: Message) -> Thread:
    thread = thread_of(message)
    return {"root": thread.root, "parent": thread.parent, "token": None}


def body_envelope(message: Message, own_address: str, cuts: list[str]) -> Envelope:
    """What is too long for an address would be another if it were cut."""
    envelope = envelope_of(message, own_address)
    mail_from, rcpt_to = envelope.mail_from, envelope.rcpt_to
    if mail_from and len(mail_from) > limits.MAX_ADDRESS:
        cuts.append("envelope.mailFrom")
        mail_from = None
    chosen = [each for each in rcpt_to or () if len(each) <= limits.MAX_ADDRESS]
    if len(chosen[:MAX_RECIPIENTS]) < len(rcpt_to or ()):
        cuts.append("envelope.rcptTo")
    return {
        "mailFrom": mail_from,
        "rcptTo": chosen[:MAX_RECIPIENTS] if rcpt_to else None,
        "tag": envelope.tag and envelope.tag[: limits.MAX_NAME],
    }


def body_automated(message: Message, own_address: str, cuts: list[str]) -> Automated:
    automated = automated_of(message, own_address)
    by = automated.mailing_list
    if automated.bounce and automated.bounce.has_more:
        cuts.append("automated.bounce.recipients")
    return {
        "kind": automated.kind,
        "evidence": list(automated.evidence),
        "loop": automated.is_loop,
        "list": {"id": by.id, "unsubscribe": list(by.unsubscribe)} if by else None,
        "bounce": _bounce(automated.bounce) if automated.bounce else None,
    }


def _bounce(bounce: MailBounce) -> Bounce:
    return {
        "originalMessageId": bounce.original_message_id,
        "final": bounce.is_final,
        "recipients": [
            {
                "address": each.address,
                "action": each.action,
                "status": each.status,
                "diagnostic": each.diagnostic,
            }
            for each in bounce.recipients
        ],
    }


def body_authentication(message: Message, trusted: TrustedServers) -> Authentication | None:
    found = authentication_of(message, trusted)
    if not found:
        return None
    spf, dmarc = found.spf, found.dmarc
    return {
        "authservId": found.server,
        "verdict": found.verified,
        "fromAligned": found.from_aligned,
        "spf": {"result": spf.result, "domain": spf.domain} if spf else None,
        "dkim": [
            {"result": each.result, "domain": each.domain, "selector": each.selector}
            for each in found.dkim
        ],
        "dmarc": {"result": dmarc.result, "domain": dmarc.domain, "policy": dmarc.policy}
        if dmarc
        else None,
        "arc": {"result": found.arc} if found.arc else None,
    }

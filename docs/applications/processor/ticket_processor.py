"""A Python processor: each message becomes a row of a table in Postroom's own database.

There is no key to keep: the row is committed with the ledger of Postroom, or neither is.
"""

from postroom.application.processing import Done, Handover, Mail, Refuse, Skip

INSERT = """
INSERT INTO tickets.ticket (sender, subject, body, files) VALUES (%s, %s, %s, %s) RETURNING number
"""


async def process(mail: Mail, handover: Handover) -> Done | Skip | Refuse:
    if mail.automated.kind not in ("none", "list"):
        return Skip(f"written by a program: {mail.automated.kind}")
    if not mail.email.from_:
        return Refuse("it has no sender")
    sender, files = mail.email.from_[0].email, mail.email.attachments
    values = [sender, mail.email.subject or "", mail.content.text, len(files)]
    inserted = await handover.connection.execute(INSERT, values)
    (number,) = await inserted.fetchone()
    return Done(reference=str(number))

Feature: From mailbox to ticket
  Mail becomes work: a new message a ticket, a reply a comment on it, an attachment a document.

  Scenario Outline: A message becomes a ticket, whichever provider has the mailbox
    Given a mailbox at <provider> with a message about "Printer on fire"
    And <provider> has announced the message
    When the waiting mail is handled
    Then there is one ticket about "Printer on fire"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: A message is read when its turn comes
    Given a mailbox at <provider> with one new message
    And <provider> has announced the message
    When the waiting mail is handled
    Then there is one ticket
    And the mail has been read once

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A reply joins the ticket of the message that it responds to
    Given a mailbox at <provider>
    And a message that has become a ticket
    When a reply to it is handled
    Then there is one ticket with 2 comments

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A reply may come before the message that it responds to
    Given a mailbox at <provider>
    And a reply that was handled before its message came
    When its message is handled
    Then there is one ticket with 2 comments
    And the ticket begins with the message

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: An attachment becomes a document
    Given a mailbox at <provider>
    And a message with the attachment "invoice.pdf"
    When it is handled
    Then the ticket has the document "invoice.pdf"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario: One notification of Gmail may stand for many messages
    Given a mailbox at Gmail with 3 new messages
    And Gmail has announced the latest
    When the waiting mail is handled
    Then there are 3 tickets

  Scenario Outline: A message that cannot be read does not hold up the others
    Given a mailbox at <provider> with 3 new messages
    And the first of them can never be processed
    And <provider> has announced all of them
    When the waiting mail is handled
    Then there are 2 tickets
    And one message is in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

Feature: From mailbox to ticket
  Mail becomes work: a new message a ticket, a reply a comment on it, an attachment a document.

  Scenario Outline: A message becomes a ticket, whoever keeps the mailbox
    Given a mailbox at <provider> with a message about "Printer on fire"
    When <provider> announces the message
    And the waiting mail is handled
    Then there is one ticket about "Printer on fire"

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

  @real
  Scenario: A message is read when its turn comes
    Given a mailbox at IMAP with one new message
    When IMAP announces the message
    And the waiting mail is handled
    Then there is one ticket
    And the mail has been read once

  Scenario: A reply joins the ticket of what it answers
    Given a message about "Printer on fire" that has become a ticket
    When a reply to it is handled
    Then there is one ticket with 2 comments

  Scenario: A reply may come before what it answers
    Given a message and a reply to it
    When the reply is handled before the message
    Then there is one ticket with 2 comments
    And the ticket begins with the message

  Scenario: An attachment becomes a document
    Given a message with the attachment "invoice.pdf"
    When it is handled
    Then the ticket has the document "invoice.pdf"

  Scenario: One notification from Google may stand for many messages
    Given a mailbox at Google with 3 new messages
    When Google announces the latest
    And the waiting mail is handled
    Then there are 3 tickets

  Scenario: A message that cannot be read does not hold up the others
    Given a mailbox at Google with 3 new messages
    And the first of them can never be processed
    When Google announces the latest
    And the waiting mail is handled
    Then there are 2 tickets
    And one message is in the dead letters

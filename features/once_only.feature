Feature: A message is handled once
  Providers repeat themselves, workers die, and people copy us in twice. None of that may make a
  second ticket, and none of it may swallow a message.

  @real
  Scenario Outline: A second notification of the same message changes nothing
    Given a mailbox at <provider>
    And a message that has become a ticket
    And <provider> has announced the message again
    When the waiting mail is handled
    Then there is one ticket
    And the latest outcome is "<outcome>"

    Examples:
      | provider      | outcome   |
      | Microsoft 365 | duplicate |
      | Gmail         | expanded  |
      | IMAP          | duplicate |

  Scenario Outline: Two notifications of one message that wait together make one ticket
    Given a mailbox at <provider> with one new message
    And <provider> has announced the message
    And <provider> has announced the message again
    When the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: A worker that dies after its work is done leaves one ticket
    Given a mailbox at <provider>
    And a worker that died after it had made the ticket, and before it said so
    When another worker takes over
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: A worker that dies half way leaves nothing half done
    Given a mailbox at <provider>
    And a worker that died while it made the ticket
    When another worker takes over
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: Of two different messages under one Message-ID neither is lost
    Given a mailbox at <provider>
    And a message that has become a ticket
    When another message with the same Message-ID is handled
    Then there is one ticket with 2 comments

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message without a Message-ID is handled once as well
    Given a mailbox at <provider>
    And a message without a Message-ID that has become a ticket
    And <provider> has announced the message again
    When the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

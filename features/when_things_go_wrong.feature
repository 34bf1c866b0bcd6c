Feature: When things go wrong
  A message that fails is tried again, with pauses, and in the end set aside where a person can see
  it. It is never dropped, and never tried for ever.

  Scenario Outline: The mail waits for as long as the provider asks
    Given a mailbox at <provider> with one new message
    And the provider asks to be left alone for 30 seconds
    And <provider> has announced the message
    When the waiting mail is handled
    Then the message is tried again in 30 seconds
    And that has cost no attempt

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: The other mail of the mailbox does not disturb a provider that asks to be left alone
    Given a mailbox at <provider> with 3 new messages
    And the provider asks to be left alone for 30 seconds
    And <provider> has announced all of them
    When the waiting mail is handled one by one
    Then one message has been requested of the provider

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: When the provider can be asked again, all of the mail is handled
    Given a mailbox at <provider> with 3 new messages
    And the provider asks to be left alone for 30 seconds
    And <provider> has announced all of them
    And the waiting mail was handled one by one
    And 30 seconds have passed
    When the waiting mail is handled one by one
    Then there are 3 tickets
    And each of them took one attempt

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that fails twice is handled at the third attempt
    Given a mailbox at <provider> with one new message
    And the provider fails 2 times
    And <provider> has announced the message
    When the waiting mail is handled until nothing waits
    Then there is one ticket
    And it took 3 attempts

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: A message that always fails ends in the dead letters
    Given a mailbox at <provider> with one new message
    And the provider always fails
    And <provider> has announced the message
    When the waiting mail is handled until nothing waits
    Then one message is in the dead letters after 10 attempts
    And each attempt's reason is shown there

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that is gone ends as such
    Given a mailbox at <provider> with one new message
    And <provider> has announced the message
    And the message is deleted before it is read
    When Postroom runs for 10 minutes
    Then there is no ticket
    And the latest outcome is "skipped" since the source is unavailable

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: While a mailbox cannot be read its mail waits
    Given a mailbox at <provider> with one new message
    And <provider> has announced the message
    And the access to the message is refused once
    When the waiting mail is handled
    Then one message still waits, at no cost

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: When a mailbox can be read again its mail is handled
    Given a mailbox at <provider> with one new message
    And <provider> has announced the message
    And the access to the message is refused once
    And the waiting mail was handled
    When the waiting mail is handled until nothing waits
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A busy mailbox does not delay another
    Given 100 messages wait in a mailbox at <provider> and 1 in one at <other>
    When the first 2 messages are handled
    Then one of them is from the other mailbox

    Examples:
      | provider      | other         |
      | Microsoft 365 | Microsoft 365 |
      | Gmail         | Microsoft 365 |
      | IMAP          | Gmail         |

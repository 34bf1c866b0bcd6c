Feature: Whose fault it is
  A message is charged only with its own failures. Whatever else fails, it waits at no cost, and
  whoever is not at fault waits for nobody.

  @real
  Scenario Outline: An outage costs no message
    Given a mailbox at <provider> that receives
    And the provider is away, with "connection refused"
    And 3 messages arrived, and were announced
    And Postroom has run for 30 minutes
    And the provider is back
    When Postroom runs for 3 minutes
    Then there are 3 tickets
    And each of them took one attempt
    And nothing is in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: An outage costs no message, though it lasts for a day
    Given a mailbox at <provider> that receives
    And the provider is away, with "connection refused"
    And 3 messages arrived, and were announced
    And Postroom has run for 1 day
    And the provider is back
    When Postroom runs for 6 minutes
    Then there are 3 tickets
    And each of them took one attempt
    And nothing is in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: While its provider is away a mailbox is tried less and less often
    Given a mailbox at <provider> that receives
    And 20 messages wait to be read
    And the provider is away, with "connection refused"
    When Postroom runs for 60 minutes
    Then no more than 40 messages have been requested of the provider

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that cannot be read keeps no other waiting, and ends in the dead letters
    Given a mailbox at <provider> that receives
    And 3 messages wait to be read
    And one of them always fails, with "<failure>"
    When Postroom runs for 2 minutes
    Then there are 2 tickets
    And nothing is in the dead letters

    Examples:
      | provider      | failure |
      | Microsoft 365 | 500     |
      | Microsoft 365 | 403     |
      | Gmail         | 500     |
      | Gmail         | 403     |
      | IMAP          | 500     |
      | IMAP          | 403     |

  Scenario Outline: A person has more than a day to mend what is wrong with a message
    Given a mailbox at <provider> that receives
    And 3 messages wait to be read
    And one of them always fails, with "<failure>"
    And Postroom has run for 1 day
    And nothing is in the dead letters
    When Postroom runs for 2 days
    Then one message is in the dead letters after 10 attempts
    And the mailbox is receiving

    Examples:
      | provider      | failure |
      | Microsoft 365 | 403     |
      | Gmail         | 500     |
      | IMAP          | 403     |

  Scenario Outline: A message that its provider does not have yet is asked after again
    Given a mailbox at <provider> that receives
    And a message waits to be read
    And the provider does not have the message yet
    And Postroom has run for 1 minute
    And the provider has the message now
    When Postroom runs for 2 minutes
    Then there is one ticket
    And it took 1 attempts

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that was handled is not judged again
    Given a mailbox at <provider> that receives
    And a message waits to be read
    And the waiting mail was handled
    And the provider is away, with "connection refused"
    And the message is announced once more
    And Postroom has run for 60 minutes
    And the provider is back
    When Postroom runs for 6 minutes
    Then there is one ticket
    And the latest outcome is "duplicate"
    And nothing is in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Who was beside a message that killed its worker is handled at no cost
    Given a mailbox at <provider>
    And a message of which 2 workers have died
    When the waiting mail is handled
    Then there is one ticket
    And it took 1 attempts

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that kills whatever handles it is given up after three processes of its own
    Given a mailbox at <provider>
    And a message of which 2 workers have died
    And it kills whatever process handles it
    When the waiting mail is handled until nothing waits
    Then one message is in the dead letters
    And it had 3 processes of its own

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A provider that is up for one call in ten costs no message
    Given a mailbox at <provider> that receives
    And the provider is up for one call in ten, and else says "<failure>"
    And 3 messages arrived, and were not announced
    When Postroom runs for 1 day
    Then there are 3 tickets
    And nothing is in the dead letters
    And nothing is waiting

    Examples:
      | provider      | failure            |
      | Microsoft 365 | connection refused |
      | Microsoft 365 | 500                |
      | Gmail         | connection refused |
      | Gmail         | 500                |
      | IMAP          | connection refused |
      | IMAP          | 500                |

  Scenario Outline: A mailbox that is removed while its mail waits leaves it where a person sees it
    Given a mailbox at <provider> that receives
    And 3 messages wait to be read
    And the provider is away, with "connection refused"
    And Postroom has run for 30 minutes
    And the mailbox is removed
    When Postroom runs for 6 minutes
    Then 3 messages are in the dead letters
    And nothing is waiting
    And no lane is held back

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

Feature: Dead letters
  What could not be handled waits for a person, who drives it again when the reason is gone, or forgets it.

  Scenario Outline: A message from the dead letters can be tried again
    Given a mailbox at <provider>
    And a message in the dead letters whose reason is gone
    And a person has redriven it
    When the waiting mail is handled
    Then there is one ticket
    And nothing is in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: When a provider is back its messages are tried again, and no others
    Given a mailbox at <provider>
    And 3 messages in the dead letters since the provider was away
    And 2 messages in the dead letters since they are empty
    When a person redrives those that failed since the provider was away
    Then there are 3 tickets
    And 2 messages are in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that fails again when it is redriven is not tried for ever
    Given a mailbox at <provider>
    And 3 messages in the dead letters since they are empty
    When a person redrives all of them while they are handled
    Then each of them was tried once more
    And 3 messages are in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A survey of the dead letters changes nothing
    Given a mailbox at <provider>
    And 3 messages in the dead letters since the provider was away
    When a person asks how many would be redriven
    Then the number is 3
    And 3 messages are in the dead letters
    And nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that nobody wants any more is forgotten
    Given a mailbox at <provider>
    And 2 messages in the dead letters since they are empty
    When a person purges them
    Then nothing is in the dead letters
    And nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: Who lists a mailbox again can have what is dead tried again with it
    Given a mailbox at <provider>
    And 3 messages in the dead letters since the provider was away
    And a person has resynced the mailbox since 7 days ago, with what is dead
    When Postroom runs for 1 minute
    Then there are 3 tickets
    And nothing is in the dead letters

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What was dead is found in its mailbox even if the queue has forgotten it
    Given a mailbox at <provider>
    And 3 messages in the dead letters since the provider was away
    And the queue has forgotten all that waited
    And Postroom has run for 1 minute
    And a person has resynced the mailbox since 7 days ago, with what is dead
    When Postroom runs for 1 minute
    Then there are 3 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What is dead stays so where nobody wants it to be tried again
    Given a mailbox at <provider>
    And 3 messages in the dead letters since the provider was away
    And a person has resynced the mailbox since 7 days ago
    When Postroom runs for 1 minute
    Then 3 messages are in the dead letters
    And there is no ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What dies again is left to a person again
    Given a mailbox at <provider>
    And 3 messages in the dead letters since they are empty
    And a person has resynced the mailbox since 7 days ago, with what is dead
    When Postroom runs for 10 minutes
    Then 3 messages are in the dead letters
    And each of them was tried once more

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

Feature: Mail arrives even when notifications do not
  Notifications are quick, and they get lost. So Postroom syncs every folder now and then, whatever its
  notifications do, and a sync finds all that came in.

  @real
  Scenario Outline: A message that is announced becomes a ticket
    Given a mailbox at <provider> that receives
    And a message arrived, and was announced
    When the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Mail that came before the first notification could come is found
    Given a mailbox at <provider> that was added while Postroom was stopped
    And a message arrived, and was not announced
    When Postroom runs for 1 minute
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: A message whose notification was lost is found by the next sync
    Given a mailbox at <provider> that receives
    And a message arrived, and was not announced
    When Postroom runs for <interval>
    Then there is one ticket

    Examples:
      | provider      | interval   |
      | Microsoft 365 | 15 minutes |
      | Gmail         | 15 minutes |
      | IMAP          | 5 minutes  |

  Scenario Outline: A message that was handled is not read again when a sync finds it
    Given a mailbox at <provider> that receives
    And a message arrived, and was announced
    And the waiting mail was handled
    When Postroom runs for 60 minutes
    Then the mail has been read once

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What could not be queued is found again
    Given a mailbox at <provider> that receives
    And nothing can be queued at the moment
    And a message arrived, and was not announced
    And Postroom has run for 15 minutes
    And mail can be queued again
    When Postroom runs for 2 minutes
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A provider that does not know our position any more leaves no gap
    Given a mailbox at <provider> that receives
    And 3 messages arrived, and were not announced
    And the provider has forgotten our position
    When Postroom runs for 15 minutes
    Then there are 3 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: Two processes that sync a mailbox do not get in each other's way
    Given a mailbox at <provider> that receives
    And a message arrived, and was not announced
    And Postroom was stopped for 15 minutes
    And two processes have synced the mailbox at a time
    When the waiting mail is handled
    Then there is one ticket
    And the mail has been read once

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox that is removed is synced no more
    Given a mailbox at <provider> that receives
    When a person removes the mailbox
    Then no folder of it is synced
    And no subscription to it is left

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

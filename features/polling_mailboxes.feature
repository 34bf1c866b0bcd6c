Feature: A mailbox whose notifications do not come
  Notifications that cannot come, or that were missed too often, are not relied on: the mailbox is polled,
  says why, and notifications are tried again.

  Scenario Outline: A mailbox of which no notification can reach us is synced every minute
    Given a mailbox at <provider> of which no notification can reach us
    And a message arrived, and was not announced
    When Postroom runs for 1 minute
    Then there is one ticket
    And the mailbox is polling since "<reason>"

    Examples:
      | provider      | reason                       |
      | Microsoft 365 | no public URL                |
      | IMAP          | no listener holds the folder |

  Scenario Outline: Notifications that were missed 3 times are not relied on
    Given a mailbox at <provider> that receives
    When 3 messages arrive in 60 minutes, and none is announced
    Then the mailbox is polling since "3 syncs in a row found mail that no notification had announced"
    And there are 3 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox whose notifications were missed is synced every minute
    Given a mailbox at <provider> whose notifications were missed
    And a message arrived, and was not announced
    When Postroom runs for 1 minute
    Then there is one ticket more

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Notifications that were missed twice may still come
    Given a mailbox at <provider> that receives
    And 2 messages arrived in 60 minutes, and none was announced
    And a message arrived, and was announced
    And Postroom has run for 60 minutes
    When 2 messages arrive in 60 minutes, and none is announced
    Then the mailbox is receiving
    And there are 5 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A notification that comes a moment after a sync was not missed
    Given a mailbox at <provider> that receives
    When 5 messages arrive, each announced a moment after a sync has found it
    Then the mailbox is receiving
    And there are 5 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Notifications are tried again after a day
    Given a mailbox at <provider> whose notifications were missed
    When Postroom runs for 1 day
    Then the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Notifications that are tried again and missed again end sooner
    Given a mailbox at <provider> whose notifications were missed
    And Postroom has run for 1 day
    When 1 message arrives in 60 minutes, and none is announced
    Then the mailbox is polling since "no notification had announced"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Notifications that come again are relied on
    Given a mailbox at <provider> whose notifications were missed
    And Postroom has run for 1 day
    And a message arrived, and was announced
    And Postroom has run for 60 minutes
    When 2 messages arrive in 60 minutes, and none is announced
    Then the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox to which no mail comes misses nothing
    Given a mailbox at <provider> that receives
    When Postroom runs for 2 days
    Then the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

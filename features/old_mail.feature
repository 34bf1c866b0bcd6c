Feature: Old mail is not inbound
  Whoever adds a mailbox, or imports an archive into one, wants no ticket of each old message: unless a
  person asks for it.

  Scenario Outline: What was there before the mailbox was added is left alone
    Given a mailbox at <provider> that was added while Postroom was stopped
    And a message lies there since 1 day before
    When Postroom runs for 20 minutes
    Then there is no ticket
    And nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that arrives more than 30 days old is skipped
    Given a mailbox at <provider> that receives
    And a message of 31 days ago arrived, and was not announced
    When Postroom runs for 20 minutes
    Then there is no ticket
    And the latest outcome is "skipped" since it is "older than inbound mail may be (30 days)"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that is announced more than 30 days old is skipped
    Given a mailbox at <provider> that receives
    And a message of 31 days ago arrived, and was announced
    When the waiting mail is handled
    Then there is no ticket
    And the latest outcome is "skipped" since it is "older than inbound mail may be (30 days)"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that is rescued from the spam folder in time is inbound
    Given a mailbox at <provider> that receives
    And a message of 29 days ago arrived, and was not announced
    When Postroom runs for 20 minutes
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A person lists old mail again, as far back as they ask for
    Given a mailbox at <provider> that was added while Postroom was stopped
    And a message lies there since 40 days before
    And a message lies there since 80 days before
    And Postroom has run for 1 minute
    And a person has resynced the mailbox since 60 days ago
    When Postroom runs for 1 minute
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox may be added with the mail that lies there
    Given a mailbox at <provider> that was added with its mail of 60 days, while Postroom was stopped
    And a message lies there since 40 days before
    When Postroom runs for 1 minute
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

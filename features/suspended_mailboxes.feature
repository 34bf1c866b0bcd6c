Feature: A mailbox that cannot be read
  A password changes, a consent is withdrawn. The mailbox is suspended: its mail waits until somebody has
  mended that, costs nothing meanwhile, and nothing of it is lost.

  Scenario Outline: A hundred failures in one second do not suspend a mailbox
    Given a mailbox at <provider> that receives
    And 100 messages wait to be read
    And the access to the mailbox is refused, with "<refusal>"
    When the waiting mail is handled
    Then the mailbox is not suspended

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

  Scenario Outline: A mailbox whose access is refused for ten minutes is suspended, and says why
    Given a mailbox at <provider> that receives
    And a message waits to be read
    And the access to the mailbox is refused, with "<refusal>"
    When Postroom runs for 30 minutes
    Then the mailbox is suspended since "<refusal>"
    And one message still waits, at no cost

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

  @real
  Scenario Outline: It resumes by itself, and catches up
    Given a mailbox at <provider> that receives
    And a message waits to be read
    And the access to the mailbox is refused, with "<refusal>"
    And Postroom has run for 30 minutes
    And a message arrived, and was not announced
    And the access to the mailbox is given again
    When Postroom runs for 10 minutes
    Then the mailbox is receiving
    And there are 2 tickets

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

  Scenario Outline: What is announced while it is suspended is queued
    Given a mailbox at <provider> that receives
    And the access to the mailbox is refused, with "<refusal>"
    And Postroom has run for 60 minutes
    When a message arrives, and is announced
    Then the notification is accepted
    And one pointer is waiting

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

  Scenario Outline: A person resumes it sooner
    Given a mailbox at <provider> that receives
    And a message waits to be read
    And the access to the mailbox is refused, with "<refusal>"
    And Postroom has run for 30 minutes
    And the access to the mailbox is given again
    And a person has resumed the mailbox
    When the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

  Scenario Outline: While the access was refused no notification counts as missed
    Given a mailbox at <provider> that receives
    And the access to the mailbox is refused, with "<refusal>"
    And Postroom has run for 120 minutes
    And 3 messages arrived, and were not announced
    And the access to the mailbox is given again
    When Postroom runs for 120 minutes
    Then the mailbox is receiving
    And there are 3 tickets

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

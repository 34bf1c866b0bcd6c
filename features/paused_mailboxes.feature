Feature: A mailbox that a person has paused
  What a person paused, a person resumes. Meanwhile its mail waits, at the provider or in the queue.

  Scenario Outline: It does not resume by itself
    Given a mailbox at <provider> that receives
    And a person has paused the mailbox
    And a message arrived, and was announced
    And a message arrived, and was not announced
    When Postroom runs for 120 minutes
    Then there is no ticket
    And the mailbox has not been synced again
    And the mailbox is paused since "by hand"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: It catches up at once when a person resumes it
    Given a mailbox at <provider> that receives
    And a person has paused the mailbox
    And a message arrived, and was announced
    And a message arrived, and was not announced
    And a person has resumed the mailbox
    When Postroom runs for 1 minute
    Then there are 2 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: It receives again when a person resumes it, however long it was paused
    Given a mailbox at <provider> that receives
    And a person has paused the mailbox
    And a message arrived, and was announced
    And a message arrived, and was not announced
    And Postroom has run for 120 minutes
    And a person has resumed the mailbox
    When Postroom runs for 6 minutes
    Then there are 2 tickets
    And the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

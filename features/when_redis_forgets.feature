Feature: When Redis forgets
  What was accepted comes, once, even if the queue comes back empty: the mail lies in its mailbox still.

  Scenario Outline: What was waiting comes all the same
    Given a mailbox at <provider> that receives
    And 3 messages arrived, and were announced
    And the queue has forgotten all that waited
    When Postroom runs for 2 minutes
    Then there are 3 tickets
    And each of them took one attempt

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What was handled is not handled again
    Given a mailbox at <provider> that receives
    And 3 messages arrived, and were announced
    And the waiting mail was handled
    And the queue has forgotten all that waited
    When Postroom runs for 20 minutes
    Then there are 3 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What waited for a mailbox that could not be read comes when it can
    Given a mailbox at <provider> that receives
    And the provider is away, with "connection refused"
    And 3 messages arrived, and were announced
    And Postroom has run for 1 day
    And the queue has forgotten all that waited
    And Postroom has run for 60 minutes
    And the provider is back
    When Postroom runs for 10 minutes
    Then there are 3 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox says that its mail is to be listed again
    Given a mailbox at <provider> that receives
    And 3 messages arrived, and were announced
    And the queue has forgotten all that waited
    When that is noticed
    Then the mailbox is relisting since "the queue has lost jobs"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox whose mail is listed again receives as ever
    Given a mailbox at <provider> that receives
    And 3 messages arrived, and were announced
    And the queue has forgotten all that waited
    And that was noticed
    When Postroom runs for 2 minutes
    Then the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

Feature: Who may notify us of mail
  A notification is acted upon only if it provably comes from the provider, for a mailbox that we serve.

  Scenario Outline: A notification that is not proven changes nothing
    Given a mailbox at <provider> with one new message
    When somebody else pretends to be <provider>
    Then nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A notification for a mailbox that we do not serve changes nothing
    When <provider> announces a message of a mailbox that we do not serve
    Then nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario: A lifecycle event that is not proven requests nothing
    Given a mailbox at Microsoft 365 that receives
    And a message arrived, and was not announced
    And somebody else has sent the lifecycle event "missed"
    When Postroom runs for 1 minute
    Then there is no ticket
    And the mailbox has not been synced again

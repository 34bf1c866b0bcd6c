Feature: States of a mailbox
  One word says how a mailbox stands, and a reason why. It is the same for every provider.

  Scenario Outline: A mailbox whose notifications come is receiving
    Given a mailbox at <provider> that receives
    When Postroom runs for 60 minutes
    Then the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox whose provider is away waits, and says why
    Given a mailbox at <provider> that receives
    And the provider is away, with "<error>"
    When Postroom runs for 20 minutes
    Then the mailbox is waiting since "<error>"
    And it has been so for 5 minutes at the least

    Examples:
      | provider      | error                      |
      | Microsoft 365 | 503 serviceNotAvailable    |
      | Gmail         | 503 backendError           |
      | IMAP          | the connection was refused |

  Scenario Outline: A mailbox whose provider is back receives, and loses nothing
    Given a mailbox at <provider> that receives
    And the provider is away, with "connection refused"
    And a message arrived, and was not announced
    And Postroom has run for 60 minutes
    And the provider is back
    When Postroom runs for 6 minutes
    Then the mailbox is receiving
    And there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A provider that asks to be left alone is left alone
    Given a mailbox at <provider> that receives
    And the mailbox has asked to be left alone for 60 minutes
    When Postroom runs for 30 minutes
    Then the mailbox is waiting since "too many requests"
    And the mailbox has not been synced again

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox whose access is refused shows the error before it is suspended
    Given a mailbox at <provider> that receives
    And the access to the mailbox is refused, with "<refusal>"
    When Postroom runs for <interval>
    Then the mailbox is in error since "<refusal>"

    Examples:
      | provider      | refusal                 | interval   |
      | Microsoft 365 | 403 ErrorAccessDenied   | 15 minutes |
      | Gmail         | 401 unauthorized_client | 15 minutes |
      | IMAP          | AUTHENTICATIONFAILED    | 1 minute   |

  Scenario Outline: A mailbox that no process syncs is unattended
    Given a mailbox at <provider> that receives
    When Postroom is stopped for 60 minutes
    Then the mailbox is unattended since "nobody syncs it"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A mailbox that a person has paused is paused
    Given a mailbox at <provider> that receives
    When a person pauses the mailbox
    Then the mailbox is paused since "by hand"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

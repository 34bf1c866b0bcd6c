Feature: Accepted means queued
  A provider forgets a notification once we accept it. So we accept it only when it is queued, durably,
  and otherwise ask for it again.

  Scenario Outline: A notification that cannot be queued is not accepted
    Given a mailbox at <provider> with one new message
    And nothing can be queued at the moment
    When <provider> announces the message
    Then the notification is refused for now
    And nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A notification that was refused for now comes through later
    Given a mailbox at <provider> with one new message
    And its notification was refused for now
    And <provider> has announced the message again
    When the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

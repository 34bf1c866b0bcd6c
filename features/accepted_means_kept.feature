Feature: Accepted means kept
  A provider forgets a notification once we accept it. So we accept it only when it is safely kept, and
  otherwise ask for it again.

  Scenario Outline: A notification that cannot be kept is not accepted
    Given a mailbox at <provider> with one new message
    And nothing can be kept at the moment
    When <provider> announces the message
    Then the notification is refused for now
    And nothing is waiting

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

  Scenario Outline: A notification that was refused for now comes through later
    Given a mailbox at <provider> with one new message
    And the notification of it was refused for now
    When <provider> announces the message again
    And the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

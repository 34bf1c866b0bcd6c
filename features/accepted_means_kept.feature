Feature: Accepted means kept
  A provider forgets a notice once we accept it. So we accept it only when it is safely kept, and
  otherwise ask for it again.

  Scenario Outline: A notice that cannot be kept is not accepted
    Given a mailbox at <provider> with one new message
    And nothing can be kept at the moment
    When <provider> tells of the message
    Then the notice is refused for now
    And nothing is waiting

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

  Scenario Outline: A notice that was refused for now comes through later
    Given a mailbox at <provider> with one new message
    And the notice of it was refused for now
    When <provider> tells of the message again
    And the waiting mail is handled
    Then there is one ticket

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

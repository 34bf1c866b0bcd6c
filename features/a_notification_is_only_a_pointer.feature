Feature: A notification is only a pointer
  A provider that notifies us of new mail gets a response at once, since all that is done then is to
  queue where the mail is. Reading it, and making a ticket of it, comes later.

  Scenario Outline: Taking in a notification reads no mail
    Given a mailbox at <provider> with one new message
    When <provider> announces the message
    Then the notification is accepted
    And one pointer is waiting
    And no mail has been read
    And there is no ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What waits holds no mail
    Given a mailbox at <provider> with a message that says "my password is swordfish"
    When <provider> announces the message
    Then nothing that waits says "swordfish"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

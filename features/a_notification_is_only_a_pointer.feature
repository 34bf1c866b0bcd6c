Feature: A notification is only a pointer
  Whoever tells us of new mail gets an answer at once, since all that is done then is to remember
  where the mail is. Reading it, and making a ticket of it, comes later.

  Scenario Outline: Taking in a notification reads no mail
    Given a mailbox at <provider> with one new message
    When <provider> announces the message
    Then the notification is accepted
    And one pointer is waiting
    And no mail has been read
    And there is no ticket

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

  Scenario: What waits holds no mail
    Given a mailbox at Microsoft with a message that says "my password is swordfish"
    When Microsoft announces the message
    Then nothing that waits says "swordfish"

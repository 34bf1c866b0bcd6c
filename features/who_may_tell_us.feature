Feature: Who may tell us of mail
  A notification is acted upon only if it provably comes from the provider, for a mailbox that we serve.

  Scenario Outline: A notification that is not proven changes nothing
    Given a mailbox at <provider> with one new message
    When somebody else pretends to be <provider>
    Then nothing is waiting

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

  Scenario Outline: A notification for a mailbox that we do not serve changes nothing
    When <provider> announces a message of a mailbox that we do not serve
    Then nothing is waiting

    Examples:
      | provider  |
      | Microsoft |
      | Google    |
      | IMAP      |

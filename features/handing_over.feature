Feature: Handing over
  A message is accepted when it is stored with all that its application will be called with. From then on it
  is handed over, once, however often it was announced, listed or called with.

  @real
  Scenario Outline: What becomes of a message at its application is its outcome
    Given a mailbox at <provider>
    And its messages are handed over to an application
    And a message waits to be read
    When the waiting mail is handed over
    Then the application has one message
    And the latest outcome has the reference that the application gave it
    And there is no ticket
    And nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message that is announced three times, listed and listed again is handed over once
    Given a mailbox at <provider> that receives
    And its messages are handed over to an application
    And a message arrived, and was announced
    And the message is announced once more
    And the message is announced once more
    And Postroom has run for 20 minutes
    And a person has resynced the mailbox since 7 days ago
    When Postroom runs for 20 minutes
    Then the application has one message
    And it was called no more than 1 times

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A message has the same key when the ledger was lost, and it is listed again
    Given a mailbox at <provider> that receives
    And its messages are handed over to an application
    And a message arrived, and was announced
    And Postroom has run for 5 minutes
    And the ledger has lost all that was handled
    And a person has resynced the mailbox since 7 days ago
    When Postroom runs for 20 minutes
    Then the application has one message
    And it was called no more than 1 times

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: Two messages under one Message-ID are two
    Given a mailbox at <provider>
    And its messages are handed over to an application
    When two different messages with one Message-ID are handed over
    Then the application has 2 messages
    And the application has them under two keys

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: A message that was accepted and is deleted at the provider is handed over
    Given a mailbox at <provider>
    And its messages are handed over to an application
    And a message waits to be read
    And the message was accepted
    And the message is deleted at the provider
    When the waiting mail is handed over
    Then the application has one message

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A call whose end is not known is repeated, and has one effect
    Given a mailbox at <provider>
    And its messages are handed over to an application
    And a message waits to be read
    And the application takes the next message, and is not heard
    When Postroom runs for 10 minutes
    Then the application has one message
    And each of them was called with the same bytes each time
    And nothing is charged, and nothing has died

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: For an application that cannot keep a key, a person decides of such a call
    Given a mailbox at <provider>
    And its messages are handed over to an application that cannot keep a key
    And a message waits to be read
    And the application takes the next message, and is not heard
    When Postroom runs for 1 day
    Then it was called no more than 1 times
    And one message waits for a person

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: What a person says is done is so
    Given a mailbox at <provider>
    And its messages are handed over to an application that cannot keep a key
    And a message waits to be read
    And the application takes the next message, and is not heard
    And the waiting mail was handed over
    When a person says of it that it is done
    Then no message waits for a person
    And the latest outcome is "completed"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: Copies go to another application under the same key
    Given a mailbox at <provider>
    And its messages are handed over to an application, and copies to another
    And a message waits to be read
    When the waiting mail is handed over
    Then both have it under one key

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: For an application in shadow a message is stored, and no call is made
    Given a mailbox at <provider>
    And its messages are handed over to an application that is in shadow
    And 3 messages wait to be read
    When the waiting mail is handed over
    Then 3 messages wait in shadow
    And it was not called
    And there is no ticket
    And nothing is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: What came in shadow is not handed over by accident
    Given a mailbox at <provider> that receives
    And its messages are handed over to an application that is in shadow
    And 3 messages wait to be read
    And they were accepted
    And the application is set to deliver
    And a person has resynced the mailbox since 7 days ago
    When Postroom runs for 20 minutes
    Then it was not called
    And 3 messages wait in shadow

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  @real
  Scenario Outline: Who wants the order of a mailbox gets one message after the other
    Given a mailbox at <provider>
    And its messages are handed over to an application that wants them in order
    And 20 messages wait to be read
    When the waiting mail is handed over
    Then the application has 20 messages
    And the application has them in the order in which they were accepted, without a gap

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: The order stays, and no message is skipped, though calls fail
    Given a mailbox at <provider>
    And its messages are handed over to an application that wants them in order
    And 20 messages wait to be read
    And each call of the application ends with "<failure>"
    And Postroom has run for 10 minutes
    And the application is up again
    When Postroom runs for 10 minutes
    Then the application has 20 messages
    And the application has them in the order in which they were accepted, without a gap

    Examples:
      | provider      | failure   |
      | Microsoft 365 | 500       |
      | Gmail         | timed out |
      | IMAP          | 404       |

Feature: When an application is down
  A message is charged only with calls that failed while the application took others. However an application
  is down, and for however long: no message dies of it, and all arrive without a person.

  Scenario Outline: An outage costs no message, and few calls
    Given a mailbox at <provider>
    And its messages are handed over to an application
    And 20 messages wait to be read
    And the application is down, with "<failure>"
    And Postroom has run for <time>
    And it was called no more than <calls> times
    And the application is up again
    When Postroom runs for 10 minutes
    Then the application has 20 messages
    And nothing is charged, and nothing has died
    And each of them was called with the same bytes each time

    Examples:
      | provider      | failure            | time      | calls |
      | Microsoft 365 | connection refused | 2 minutes | 16    |
      | Gmail         | 500                | 2 minutes | 16    |
      | IMAP          | 404                | 2 minutes | 16    |
      | Microsoft 365 | 503                | 2 minutes | 16    |
      | Gmail         | timed out          | 2 minutes | 16    |
      | IMAP          | connection refused | 1 hour    | 30    |
      | Microsoft 365 | 500                | 1 hour    | 30    |
      | Gmail         | 404                | 1 hour    | 30    |
      | IMAP          | 503                | 1 hour    | 30    |
      | Microsoft 365 | timed out          | 1 hour    | 30    |
      | Gmail         | connection refused | 3 days    | 1100  |
      | IMAP          | 500                | 3 days    | 1100  |
      | Microsoft 365 | 404                | 3 days    | 1100  |
      | Gmail         | 503                | 3 days    | 1100  |
      | IMAP          | timed out          | 3 days    | 1100  |

  Scenario Outline: One message that is never taken keeps no other waiting, and dies of its own faults
    Given a mailbox at <provider> that receives
    And its messages are handed over to an application
    And 50 messages wait to be read
    And the application never takes one of them, with "<failure>"
    And Postroom has run for 1 minute
    And the application has 49 messages
    When 40 messages arrive in 2400 minutes, and none is announced
    Then one is dead, which failed 8 times while others were taken: "<failure>"
    And the others were handed over within a minute

    Examples:
      | provider      | failure |
      | Microsoft 365 | 500     |
      | Gmail         | 404     |
      | IMAP          | 422     |

  Scenario Outline: An application that is behind leaves mail with its provider, and both go on
    Given a mailbox at <provider>
    And its messages are handed over to an application that lets 5 messages wait
    And 20 messages wait to be read
    And the application is down, with "<failure>"
    And Postroom has run for 60 minutes
    And 5 messages wait for the application
    And 15 pointers are waiting
    And the application is up again
    When Postroom runs for 20 minutes
    Then the application has 20 messages
    And nothing is charged, and nothing has died
    And nothing is waiting
    And no lane is held back

    Examples:
      | provider      | failure            |
      | Microsoft 365 | connection refused |
      | Gmail         | 500                |
      | IMAP          | timed out          |

  Scenario Outline: Fallback takes no unsure message
    What the first may have handled waits for the first, since the two know nothing of each other's keys.

    Given a mailbox at <provider>
    And its messages are handed over to an application that has another for its fallback
    And the fallback is up
    And 5 messages wait to be read
    And the first call of the application ends with "<failure>"
    And the application is down, with "connection refused"
    When Postroom runs for 20 minutes
    Then the other one has <left> messages
    And the application has no messages
    And <stay> messages wait for the application
    And nothing is charged, and nothing has died

    Examples:
      | provider      | failure            | left | stay |
      | Microsoft 365 | timed out          | 4    | 1    |
      | Gmail         | 500                | 4    | 1    |
      | IMAP          | 503                | 4    | 1    |
      | Microsoft 365 | connection refused | 5    | 0    |
      | Gmail         | 404                | 5    | 0    |
      | IMAP          | 429                | 5    | 0    |

  Scenario Outline: When the application is back, mail goes to it again
    Given a mailbox at <provider>
    And its messages are handed over to an application that has another for its fallback
    And the fallback is up
    And 5 messages wait to be read
    And the application is down, with "<failure>"
    And Postroom has run for 10 minutes
    And the other one has no messages
    And Postroom has run for 10 minutes
    And the other one has <left> messages
    And the application is up again
    And Postroom has run for 10 minutes
    And 3 messages wait to be read
    When Postroom runs for 10 minutes
    Then the application has <first> messages
    And the other one has <left> messages
    And no message was called with at both

    Examples:
      | provider      | failure            | left | first |
      | Microsoft 365 | connection refused | 5    | 3     |
      | Gmail         | 404                | 5    | 3     |
      | IMAP          | 500                | 0    | 8     |

  Scenario: A fallback that was removed takes nothing, and nothing is lost
    Given a mailbox at Gmail
    And its messages are handed over to an application that has another for its fallback
    And the fallback was removed
    And 5 messages wait to be read
    And the application is down, with "connection refused"
    And Postroom has run for 60 minutes
    And 5 messages wait for the application
    And the application is up again
    When Postroom runs for 10 minutes
    Then the application has 5 messages

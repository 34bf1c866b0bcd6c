Feature: Subscribers hear what happens
  Each event is stored in the transaction of what it states, and delivered by the machinery that hands over
  mail: signed, at least once, under an id that never changes. Whatever a subscriber does, no mail waits for it.

  @real
  Scenario Outline: What becomes of each message is an event of its own
    Given a mailbox at <provider>
    And its messages are handed over to an application
    And somebody subscribes to events
    And 3 messages wait to be read
    When Postroom runs for 1 minute
    Then the application has 3 messages
    And "message.accepted" was heard 3 times
    And "message.completed" was heard 3 times
    And each outcome of a message was heard of once

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A subscriber that is away for hours holds no mail up, and misses nothing
    Given a mailbox at <provider>
    And its messages are handed over to an application
    And somebody subscribes to events
    And the subscriber is down, with "<failure>"
    And 5 messages wait to be read
    And Postroom has run for <time>
    And the application has 5 messages
    And nothing was heard
    And the subscriber is up again
    When Postroom runs for 10 minutes
    Then each outcome of a message was heard of once
    And "message.completed" was heard 5 times

    Examples:
      | provider      | failure            | time      |
      | Microsoft 365 | connection refused | 5 hours   |
      | Gmail         | 404                | 2 minutes |
      | IMAP          | timed out          | 1 hour    |

  Scenario: Of what waits for a subscriber that is away the newest stay
    Given a mailbox at IMAP
    And its messages are handed over to an application
    And somebody subscribes to events, of which 5 may wait
    And the subscriber is down, with "500"
    And 10 messages wait to be read
    And Postroom has run for 10 minutes
    And the application has 10 messages
    And the subscriber is up again
    When Postroom runs for 10 minutes
    Then 5 events were heard

  Scenario: Whoever wants to hear of some events hears of no others
    Given a mailbox at Gmail
    And its messages are handed over to an application
    And somebody subscribes to events, but only to "message.completed"
    And 3 messages wait to be read
    When Postroom runs for 1 minute
    Then "message.completed" was heard 3 times
    And 3 events were heard

  Scenario Outline: That a mailbox is suspended and resumes is heard, each once
    Given a mailbox at <provider> that receives
    And somebody subscribes to events
    And a message waits to be read
    And the access to the mailbox is refused, with "<refusal>"
    And Postroom has run for 30 minutes
    And the access to the mailbox is given again
    When Postroom runs for 10 minutes
    Then "mailbox.suspended" was heard once
    And "mailbox.resumed" was heard once
    And "mailbox.degraded" was heard once
    And "mailbox.recovered" was heard once

    Examples:
      | provider      | refusal                 |
      | Microsoft 365 | 403 ErrorAccessDenied   |
      | Gmail         | 401 unauthorized_client |
      | IMAP          | AUTHENTICATIONFAILED    |

  Scenario Outline: An application that fails is heard of when it has failed for long, and when it is back
    Given a mailbox at IMAP
    And its messages are handed over to an application
    And somebody subscribes to events
    And a message waits to be read
    And the application is down, with "<failure>"
    And Postroom has run for <time>
    And the application is up again
    When Postroom runs for 10 minutes
    Then "application.failing" was heard <alerts>
    And "application.recovered" was heard <recovered>

    Examples:
      | failure            | time      | alerts   | recovered |
      | connection refused | 3 minutes | 0 times  | 0 times   |
      | 500                | 9 minutes | once     | once      |
      | 404                | 2 hours   | 2 times  | once      |

  Scenario: What a subscriber does is heard by nobody
    Given a mailbox at Microsoft 365
    And its messages are handed over to an application
    And somebody subscribes to events
    And the subscriber is down, with "500"
    And a message waits to be read
    And Postroom has run for 2 hours
    And the subscriber is up again
    When Postroom runs for 2 hours
    Then 2 events were heard

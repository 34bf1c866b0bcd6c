Feature: A message is handled once
  Providers repeat themselves, workers die, and people copy us in twice. None of that may make a
  second ticket, and none of it may swallow a message.

  @real
  Scenario: A second notification of the same message changes nothing
    Given a message that has become a ticket
    When the provider announces the message again
    And the waiting mail is handled
    Then there is one ticket
    And the latest outcome is "duplicate"

  Scenario: Two notifications of one message that wait together make one ticket
    Given a mailbox at Microsoft with one new message
    When Microsoft announces the message
    And Microsoft announces the message again
    And the waiting mail is handled
    Then there is one ticket

  @real
  Scenario: A worker that dies after its work is done leaves one ticket
    Given a worker that dies after it has made the ticket, and before it says so
    When another worker takes over
    Then there is one ticket

  @real
  Scenario: A worker that dies half way leaves nothing half done
    Given a worker that dies while it makes the ticket
    When another worker takes over
    Then there is one ticket

  @real
  Scenario: Of two different messages under one Message-ID neither is lost
    Given a message that has become a ticket
    When another message with the same Message-ID is handled
    Then there is one ticket with 2 comments

  Scenario: A message without a Message-ID is handled once as well
    Given a message without a Message-ID that has become a ticket
    When the provider announces the message again
    And the waiting mail is handled
    Then there is one ticket

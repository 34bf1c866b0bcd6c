Feature: Listening to an IMAP mailbox
  What the listener has found is queued before it moves its position, so it may stop at any moment and
  lose nothing.

  Scenario: New mail is found as soon as the server announces it
    Given a mailbox at IMAP that receives
    When a message arrives, and is announced
    Then one pointer is waiting

  Scenario: Mail that came while nobody listened is found afterwards
    Given a mailbox at IMAP that receives
    And the listener is stopped
    And a message arrived, and was not announced
    When the listener starts
    Then one pointer is waiting

  Scenario: Mail that came while the connection was lost is found afterwards
    Given a mailbox at IMAP that receives
    And the connections to the mailbox are lost
    And a message arrived, and was not announced
    When the listener runs for 1 minute
    Then one pointer is waiting
    And the mailbox is receiving

  Scenario: Mail that could not be queued is found again
    Given a mailbox at IMAP that receives
    And nothing can be queued at the moment
    And a message arrived, and was announced
    And mail can be queued again
    When the listener runs for 2 minutes
    Then one pointer is waiting

  Scenario: Mail from before the mailbox was added is left alone
    Given a mailbox at IMAP that was added while Postroom was stopped
    And 3 messages lie there since 1 day before
    And Postroom has run for 1 minute
    When a message arrives, and is announced
    Then one pointer is waiting

  Scenario: A folder that was rebuilt loses nothing and doubles nothing
    Given a mailbox at IMAP that receives
    And a message that has become a ticket
    And the listener has run for 5 minutes
    And the folder was rebuilt by its server
    And a message arrived, and was announced
    When the waiting mail is handled
    Then there are 2 tickets

  Scenario: A mailbox that a person resumes is listened to again
    Given a mailbox at IMAP that receives
    And a person has paused the mailbox
    And the listener has run for 2 minutes
    And a person has resumed the mailbox
    And the listener has run for 2 minutes
    When a message arrives, and is announced
    Then one pointer is waiting

Feature: Listening to an IMAP mailbox
  What the listener has seen is kept in the queue before it is ticked off, so it may stop at any
  moment and lose nothing.

  Background:
    Given a listener on an IMAP mailbox

  Scenario: New mail is noticed
    When a message arrives in the mailbox
    Then one pointer is waiting

  Scenario: Mail that came while nobody listened is noticed afterwards
    Given the listener is stopped
    And a message arrived meanwhile
    When the listener starts again
    Then one pointer is waiting

  Scenario: Mail that could not be kept is noticed again
    Given nothing can be kept at the moment
    And a message arrived meanwhile
    When things can be kept again
    Then one pointer is waiting

  Scenario: Mail from before the mailbox was added is left alone
    Given 3 messages from before the mailbox was added
    When a message arrives in the mailbox
    Then one pointer is waiting

  Scenario: A folder that was rebuilt loses nothing and doubles nothing
    Given a message that came through the listener has become a ticket
    And the folder is rebuilt by its server
    When a message arrives in the mailbox
    And the waiting mail is handled
    Then there are 2 tickets

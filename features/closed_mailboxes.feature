Feature: A mailbox that cannot be opened
  A password changes, a consent is withdrawn. Its mail waits until somebody has mended that, costs
  nothing meanwhile, and nothing of it is lost.

  Background:
    Given a mailbox at Microsoft that is kept

  Scenario: A hundred failures in one second do not close a mailbox
    Given 100 messages arrived, and the provider announced them
    And the access to the mailbox is gone
    When the waiting mail is handled
    Then the mailbox is open

  Scenario: A mailbox whose access fails for ten minutes is closed, and it says why
    Given a message arrived, and the provider announced it
    And the access to the mailbox is gone
    When the mail is handled for 30 minutes
    Then the mailbox is closed since "403 ErrorAccessDenied"
    And one message still waits, at no cost

  @real
  Scenario: It opens by itself, and catches up
    Given a message arrived, and the provider announced it
    And the access to the mailbox is gone
    And the mail was handled for 30 minutes
    And a message arrived, and nobody announced it
    When the access to the mailbox is back
    And the mail is handled for 10 minutes
    Then the mailbox is open
    And there are 2 tickets

  Scenario: What is announced while it is closed is kept
    Given the access to the mailbox is gone
    And the mail was handled for 60 minutes
    When a message arrives, and the provider announces it
    Then that is accepted
    And one pointer is waiting

  Scenario: A person opens it sooner
    Given a message arrived, and the provider announced it
    And the access to the mailbox is gone
    And the mail was handled for 30 minutes
    When the access to the mailbox is back
    And a person resumes the mailbox
    And the waiting mail is handled
    Then there is one ticket

  Scenario: What a person paused does not open by itself
    Given a person has paused the mailbox
    And a message arrived, and the provider announced it
    And a message arrived, and nobody announced it
    When the mail is handled for 120 minutes
    Then there is no ticket
    And the mailbox is closed since "by hand"

  Scenario: What a person paused is caught up with when they resume it
    Given a person has paused the mailbox
    And a message arrived, and the provider announced it
    And a message arrived, and nobody announced it
    When a person resumes the mailbox
    And the mail is handled for 1 minutes
    Then there are 2 tickets

  Scenario: An access that failed does not count as silence
    Given the access to the mailbox is gone
    And the mail was handled for 120 minutes
    And 3 messages arrived, and nobody announced them
    When the access to the mailbox is back
    And the mail is handled for 120 minutes
    Then the provider still announces new mail
    And there are 3 tickets

  Scenario: A mailbox that is removed is received no more
    When a person removes the mailbox
    Then the provider does not announce new mail

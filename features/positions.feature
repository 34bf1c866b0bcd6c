Feature: Positions that are lost
  Where a list went on from may be refused, or lead nowhere. Then it is begun anew, by date, and no
  mail is missed.

  Scenario Outline: A position that its provider refuses again and again is given up
    Given a mailbox at <provider> that receives
    And 3 messages arrived, and were not announced
    And the provider refuses to go on from where we were
    When Postroom runs for 60 minutes
    Then there are 3 tickets
    And the mailbox is receiving

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario: A replica that lags moves no position back
    Given a mailbox at Gmail that receives
    And 3 messages arrived, and were announced
    And the waiting mail was handled
    And the replica that answers lags behind the last message
    When Postroom runs for 17 minutes
    Then the position has not gone back
    And there are 3 tickets
    And the mailbox is receiving

  Scenario: A mailbox that was made in place of the one that we knew is listed by date
    Given a mailbox at Gmail that receives
    And 3 messages arrived, and were announced
    And the waiting mail was handled
    And the mailbox was deleted, and another one made in its place
    And a message arrived, and was not announced
    When Postroom runs for 25 minutes
    Then there are 4 tickets

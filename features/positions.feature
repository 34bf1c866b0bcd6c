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

Feature: Many notifications, one sync
  A notification that names no message triggers a sync of its folder. Triggers coalesce, and none of them
  is missed by that.

  Scenario: A hundred notifications that come at a time are one sync
    Given a mailbox at Gmail that receives
    And 100 messages arrived, and were announced
    When the waiting mail is handled
    Then the mailbox has been synced once more
    And there are 100 tickets

  Scenario: A hundred notifications that come during a sync are followed by one more
    Given a mailbox at Gmail that receives
    And a message arrived, and was not announced
    And the mailbox is being synced
    And 100 notifications of it came, and were handled
    When that sync ends
    Then the mailbox has been synced once more
    And one pointer is waiting

  Scenario: A hundred changes that a listener hears of at a time are one sync
    Given a mailbox at IMAP that receives
    And a message arrived, and was not announced
    When the server announces 100 changes at a time
    Then the mailbox has been synced once more
    And one pointer is waiting

  Scenario: A worker that finds the mailbox due syncs it at once
    Given a mailbox at Gmail that receives
    And Postroom was stopped for 15 minutes
    And a message arrived, and was announced
    When the waiting mail is handled
    Then there is one ticket
    And the mailbox has been synced once more
    And no sync is due

  Scenario: A worker that finds the mailbox being synced leaves it to that sync
    Given a mailbox at Gmail that receives
    And the mailbox is being synced
    And a message arrived, and was announced
    When the waiting mail is handled
    Then the latest outcome is "expanded"
    And the mailbox has not been synced again
    And a sync is due as soon as that has ended

  Scenario: A list that lags behind its notification is listed again in seconds
    Given a mailbox at Gmail that receives
    And a message was announced that is not listed yet
    And the waiting mail was handled
    And the message is listed
    When Postroom runs for 1 minute
    Then there is one ticket

  Scenario: No notification disturbs a provider that is away
    Given a mailbox at Gmail that receives
    And the provider is away, with "503 backendError"
    And Postroom has run for 16 minutes
    And 100 messages arrived, and were announced
    When the waiting mail is handled
    Then the mailbox has not been synced again
    And nothing is waiting

Feature: When things go wrong
  A message that fails is tried again, with pauses, and in the end set aside where a person can see
  it. It is never dropped, and never tried for ever.

  Scenario: The mail waits for as long as the provider asks
    Given a mailbox at Microsoft with one new message
    And the provider asks to be left alone for 30 seconds
    When Microsoft announces the message
    And the waiting mail is handled
    Then the message is tried again in 30 seconds
    And that has cost no attempt

  @real
  Scenario: The other mail of the mailbox does not disturb a provider that asks to be left alone
    Given a mailbox at Microsoft with 3 new messages
    And the provider asks to be left alone for 30 seconds
    When Microsoft announces all of them
    And the waiting mail is handled one by one
    Then the provider was asked once
    When 30 seconds have passed
    And the waiting mail is handled one by one
    Then there are 3 tickets
    And each of them took one attempt

  Scenario: A message that fails twice is handled at the third attempt
    Given a mailbox at IMAP with one new message
    And the provider fails 2 times
    When IMAP announces the message
    And the waiting mail is handled until nothing waits
    Then there is one ticket
    And it took 3 attempts

  @real
  Scenario: A message that always fails ends in the dead letters
    Given a mailbox at IMAP with one new message
    And the provider always fails
    When IMAP announces the message
    And the waiting mail is handled until nothing waits
    Then one message is in the dead letters after 5 attempts
    And each attempt's reason is told there

  Scenario: A message from the dead letters can be tried again
    Given a message in the dead letters whose trouble is over
    When a person drives it again
    And the waiting mail is handled
    Then there is one ticket
    And nothing is in the dead letters

  @real
  Scenario: When a provider's trouble is over its messages are tried again, and no others
    Given 3 messages in the dead letters since the provider was away
    And 2 messages in the dead letters since they are empty
    When a person drives those again that failed since the provider was away
    Then there are 3 tickets
    And 2 messages are in the dead letters

  Scenario: A message that fails again when it is driven again is not tried for ever
    Given 3 messages in the dead letters since they are empty
    When a person drives all of them again while they are handled
    Then each of them was tried once more
    And 3 messages are in the dead letters

  Scenario: Whoever asks first changes nothing
    Given 3 messages in the dead letters since the provider was away
    When a person asks how many would be driven again
    Then the answer is 3
    And 3 messages are in the dead letters
    And nothing is waiting

  Scenario: A message that nobody wants any more is forgotten
    Given 2 messages in the dead letters since they are empty
    When a person purges them
    Then nothing is in the dead letters
    And nothing is waiting

  Scenario: A message that kills its worker does not do so for ever
    Given a message that kills every worker that touches it
    When 5 workers have died of it
    And the waiting mail is handled
    Then one message is in the dead letters

  Scenario: A message that is gone is told as such
    Given a mailbox at Microsoft with one new message
    And the message is deleted
    When Microsoft announces the message
    And the waiting mail is handled
    Then there is no ticket
    And the latest outcome is "skipped" since the source is unavailable

  Scenario: While a mailbox cannot be read its mail waits
    Given a mailbox at Microsoft with one new message
    And the access to the mailbox is revoked
    When Microsoft announces the message
    And the waiting mail is handled
    Then one message still waits, at no cost
    When the access is granted again
    Then there is one ticket

  Scenario: A busy mailbox does not delay another
    Given 100 messages wait in one mailbox and 1 in another
    When the first 2 messages are handled
    Then one of them is from the other mailbox

Feature: Watches
  A mailbox at Gmail that has a topic is watched by Postroom: from when it is added, every day again,
  until it is removed. It says that it receives only while notifications are known to come.

  Scenario: A mailbox receives once the first notification of its watch has come
    Given a mailbox at Gmail that Postroom watches
    When what Gmail has sent of its watch has come
    Then the mailbox is receiving

  Scenario: A mailbox whose notifications do not come says so, and its mail comes all the same
    Given a mailbox at Gmail that Postroom watches
    And a message arrived, and was not announced
    When Postroom runs for 2 minutes
    Then there is one ticket
    And the mailbox is in polling since "no notification has come"

  Scenario: A topic that Gmail may not publish to is said
    Given Gmail may not publish to the topic
    And a mailbox at Gmail that Postroom watches
    When Postroom runs for 120 minutes
    Then the mailbox is in polling since "give gmail-api-push@system.gserviceaccount.com"

  Scenario: A mailbox is watched for as long as it is served
    Given a mailbox at Gmail that Postroom watches
    When Postroom runs for 10 days
    Then the mailbox is watched

  Scenario: A watch that somebody has stopped is made again within a day
    Given a mailbox at Gmail that Postroom watches
    And what Gmail has sent of its watch has come
    And somebody has stopped the watch
    When Postroom runs for 25 hours
    Then the mailbox is watched

  Scenario: Mail that came before a watch was renewed is not skipped
    Given a mailbox at Gmail that Postroom watches
    And Postroom was stopped for 2 days
    And a message arrived, and was not announced
    When Postroom runs for 1 minute
    Then there is one ticket

  Scenario: A watch ends with its mailbox
    Given a mailbox at Gmail that Postroom watches
    When a person removes the mailbox
    Then the mailbox is not watched

  Scenario: The watch of an operator is left to them
    Given a mailbox at Gmail that receives
    When Postroom runs for 2 days
    Then the mailbox is not watched
    And the mailbox is receiving

  Scenario: One notification announces all that came before it
    Given a mailbox at Gmail that receives
    When 90 messages arrive in 90 minutes, and each third is announced
    Then the mailbox is receiving
    And there are 90 tickets

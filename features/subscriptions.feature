Feature: Subscriptions
  Where a provider sends notifications under a subscription, Postroom makes it, renews it, and does what
  lifecycle events request.

  Scenario Outline: What a lifecycle event requests is done at once
    Given a mailbox at Microsoft 365 that receives
    And Postroom has run for 11 minutes
    And a message arrived, and was not announced
    And Microsoft 365 has sent the lifecycle event "<event>"
    When Postroom runs for 1 minute
    Then there is one ticket
    And the mailbox is subscribed to

    Examples:
      | event                   |
      | missed                  |
      | subscriptionRemoved     |
      | reauthorizationRequired |

  Scenario: Notifications go on for as long as the mailbox is served
    Given a mailbox at Microsoft 365 that receives
    When Postroom runs for 30 days
    Then the mailbox is subscribed to
    And the mailbox is receiving

  Scenario: A subscription that vanished is made again, and nothing falls into the gap
    Given a mailbox at Microsoft 365 that receives
    And the provider has dropped the subscription
    And a message arrived, and was not announced
    When Postroom runs for 4 days
    Then there is one ticket
    And the mailbox is subscribed to

  Scenario: Notifications that were missed are not sent any more
    Given a mailbox at Microsoft 365 that receives
    When 3 messages arrive in 60 minutes, and none is announced
    Then no subscription to it is left

  Scenario: Notifications that are tried again are subscribed to
    Given a mailbox at Microsoft 365 whose notifications were missed
    When Postroom runs for 1 day
    Then the mailbox is subscribed to

  Scenario: A subscription outlasts an access that was refused
    Given a mailbox at Microsoft 365 that receives
    And the access to the mailbox is refused, with "403 ErrorAccessDenied"
    And Postroom has run for 120 minutes
    And the access to the mailbox is given again
    When Postroom runs for 120 minutes
    Then the mailbox is subscribed to

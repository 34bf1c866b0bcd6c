Feature: Subscriptions
  Where a provider sends notifications under a subscription, Postroom makes it, renews it, and does what
  lifecycle events request.

  Background:
    Given a mailbox at Microsoft 365 that receives

  Scenario Outline: What a lifecycle event requests is done at once
    Given Postroom has run for 11 minutes
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
    When Postroom runs for 30 days
    Then the mailbox is subscribed to
    And the mailbox is receiving

  Scenario: A subscription that vanished is made again, and nothing falls into the gap
    Given the provider has dropped the subscription
    And a message arrived, and was not announced
    When Postroom runs for 4 days
    Then there is one ticket
    And the mailbox is subscribed to

Feature: Mail arrives even when notifications do not
  Notifications are quick, and they get lost. So Postroom keeps the provider sending them, looks now and
  then for itself, and where none come looks every minute.

  Background:
    Given a mailbox at Microsoft that is kept

  @real
  Scenario: A new mailbox is announced, and nobody has to see to it
    When a message arrives, and the provider announces it
    And the waiting mail is handled
    Then there is one ticket

  Scenario: Mail that came before the first notification could come is found
    Given a mailbox that was added while nobody kept it
    And a message arrived, and nobody announced it
    When it is kept again
    And the waiting mail is handled
    Then there is one ticket

  @real
  Scenario: A message whose notification was lost is found within a quarter of an hour
    Given a message arrived, and nobody announced it
    When 15 minutes have passed
    And the waiting mail is handled
    Then there is one ticket

  Scenario: What was announced and handled is not read again when it is found
    Given a message arrived, and the provider announced it
    And the waiting mail has been handled
    When 60 minutes have passed
    And the waiting mail is handled
    Then the mail has been read once

  Scenario Outline: What the provider says of its notifications is acted on at once
    Given a message arrived, and nobody announced it
    When the provider says "<event>"
    And the waiting mail is handled
    Then there is one ticket
    And the provider still announces new mail

    Examples:
      | event                   |
      | missed                  |
      | subscriptionRemoved     |
      | reauthorizationRequired |

  Scenario: Whoever pretends to be the provider asks for nothing
    When somebody else says "missed"
    Then nobody has looked for mail

  Scenario: Notifications go on for as long as the mailbox is kept
    When 30 days have passed
    Then the provider still announces new mail

  Scenario: A subscription that vanished is made anew, and nothing falls into the gap
    Given the provider has forgotten that we want notifications
    And a message arrived, and nobody announced it
    When 4 days have passed
    And the waiting mail is handled
    Then there is one ticket
    And the provider still announces new mail

  Scenario: A mailbox whose notifications cannot reach us is looked at every minute
    Given no notification can reach us
    And a message arrived, and nobody announced it
    When 1 minute has passed
    And the waiting mail is handled
    Then there is one ticket
    And it is said that the mailbox is polled since "no public URL"

  Scenario: Notifications that stay away too often are not relied on
    Given 3 times a message arrived, and nobody announced it
    Then it is said that the mailbox is polled since "no notification had announced"

  Scenario: After a day notifications are tried again
    Given 3 times a message arrived, and nobody announced it
    When 1 day has passed
    Then the provider still announces new mail

  Scenario: Nothing is ticked off that could not be kept
    Given nothing can be kept at the moment
    And a message arrived, and nobody announced it
    When 15 minutes have passed
    And things can be kept
    And 1 minute has passed
    And the waiting mail is handled
    Then there is one ticket

  Scenario: A provider that has lost its place leaves no gap
    Given 3 messages arrived, and nobody announced them
    And the provider has forgotten how far we have looked
    When 15 minutes have passed
    And the waiting mail is handled
    Then there are 3 tickets

  Scenario: Older mail than the mailbox is left alone
    Given a mailbox that was added while nobody kept it
    And a message from before the mailbox was added lies there
    When it is kept again
    And the waiting mail is handled
    Then there is no ticket

  @real
  Scenario: Two who keep a mailbox do not get in each other's way
    Given a message arrived, and nobody announced it
    When two look for mail at a time
    And the waiting mail is handled
    Then there is one ticket
    And the mail has been read once

Feature: Beside another system, and in its place
  In shadow, mail comes by syncs alone and is not handled, and nothing that another system lives on is
  touched. Off, nothing is received, and nothing is lost. On the day of the change each message is handled
  by exactly one of the two.

  Scenario Outline: In shadow a mailbox is polled, and its mail is not handled
    Given ingress of <provider> is in shadow
    And a mailbox at <provider>
    And a message arrived, and was not announced
    When Postroom runs for 2 minutes
    Then there is no ticket
    And the latest outcome is "skipped" since it is "shadow"
    And the mailbox is polling since "is in shadow"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: In shadow nothing is made or ended at the provider
    Given ingress of <provider> is in shadow
    And a mailbox at <provider>
    And another system has the notifications of it
    When Postroom runs for 2 days
    Then nothing was made or ended at the provider

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: A notification that comes in shadow all the same is a hint
    Given a mailbox at <provider> that receives
    And ingress of <provider> is in shadow from now on
    And Postroom has run for 2 minutes
    When a message arrives, and is announced
    Then the notification is accepted
    And one pointer is waiting

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario: A subscription of ours is left as it is while its provider is in shadow
    Given a mailbox at Microsoft 365 that receives
    And ingress of Microsoft 365 is in shadow from now on
    When Postroom runs for 5 days
    Then its subscription was neither renewed nor ended

  Scenario: It is gone on with when the provider is out of the shadow
    Given a mailbox at Microsoft 365 that receives
    And ingress of Microsoft 365 is in shadow from now on
    And Postroom has run for 2 days
    And ingress of Microsoft 365 is open again
    When Postroom runs for 1 minute
    Then the mailbox is receiving
    And its subscription was neither renewed nor ended

  Scenario Outline: While ingress is off, senders are to send again
    Given a mailbox at <provider> that receives
    And ingress of <provider> is off from now on
    And Postroom has run for 2 minutes
    When a message arrives, and is announced
    Then the notification is refused for now
    And nothing is waiting
    And the mailbox is off since "is off"

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: While ingress is off, nothing is synced, made or ended
    Given ingress of <provider> is off
    And a mailbox at <provider>
    And another system has the notifications of it
    And a message arrived, and was not announced
    When Postroom runs for 2 days
    Then the mailbox has not been synced again
    And there is no ticket
    And nothing was made or ended at the provider

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Mail that waits while ingress is off goes on when it is on again
    Given a mailbox at <provider> that receives
    And ingress of <provider> is off from now on
    And a message waits to be read
    And a message arrived, and was not announced
    And Postroom has run for 2 days
    And nothing is in the dead letters
    And ingress of <provider> is open again
    When Postroom runs for 10 minutes
    Then there are 2 tickets
    And each of them took one attempt

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Each message is handled by exactly one of the two systems
    Given ingress of <provider> is in shadow
    And a mailbox at <provider>
    And 2 messages came before the change
    And 3 messages came that the old system has handled
    And 4 messages came that nobody has handled
    And ingress of <provider> is off from now on
    And 1 message that the old system has handled is still to come
    And they were released
    And ingress of <provider> is open again
    When Postroom runs for 20 minutes
    Then there are 4 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: To release once more changes nothing
    Given ingress of <provider> is in shadow
    And a mailbox at <provider>
    And 2 messages came before the change
    And 3 messages came that the old system has handled
    And 4 messages came that nobody has handled
    And ingress of <provider> is open from now on
    And they were released
    And Postroom has run for 20 minutes
    And they were released
    When Postroom runs for 20 minutes
    Then there are 4 tickets

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

  Scenario Outline: Mail that was not released is not handled by accident
    Given ingress of <provider> is in shadow
    And a mailbox at <provider>
    And 4 messages came that nobody has handled
    And ingress of <provider> is open from now on
    And a person has resynced the mailbox since 7 days ago
    When Postroom runs for 20 minutes
    Then there is no ticket

    Examples:
      | provider      |
      | Microsoft 365 |
      | Gmail         |
      | IMAP          |

"""What happened to messages, mailboxes and applications, for whoever subscribes."""

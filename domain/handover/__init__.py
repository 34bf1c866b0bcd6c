"""What is handed over to an application of the user's: pure rules, without a database or a call."""

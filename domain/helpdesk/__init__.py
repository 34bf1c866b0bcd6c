"""What is filed: tickets, their comments and documents. Pure."""

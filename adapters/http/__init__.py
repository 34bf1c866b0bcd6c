"""What is shared by all that speak HTTP, below their adapters: it knows none of them."""

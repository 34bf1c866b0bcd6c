"""What the providers over HTTP share, below their adapters: it knows none of them."""

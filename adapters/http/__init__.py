"""HTTP below the provider adapters: the one adapter that they may import."""

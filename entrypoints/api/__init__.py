"""HTTP: webhooks that validate and enqueue, health, metrics, and reads for a tenant's systems."""

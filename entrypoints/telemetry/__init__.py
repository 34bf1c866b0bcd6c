"""What Postroom shows of itself: events (logs), spans and metrics, put around the use cases.

Nothing personal is told: no address, no subject, no body, no secret. See privacy.py.
"""

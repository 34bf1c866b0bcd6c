"""What Postroom does (the use cases), and the ports it needs to do it.

Imports `domain` and the standard library, nothing else.
"""

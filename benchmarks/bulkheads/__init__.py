"""Whether anybody waits behind a stranger: a calm mailbox beside others whose servers hang.

    python -m benchmarks.bulkheads

It measures a real worker, with default settings, on the embedded engines and the emulators.
"""

"""What a handover costs, and whether acceptance waits for an application that hangs.

    python -m benchmarks.handover

It measures a real worker and a real dispatcher, with default settings, on the embedded engines.
"""

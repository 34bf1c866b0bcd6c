"""Every port, in memory: for the features, the unit tests and a first look around.

Each is bound to its port by the same contract suite as the real one (tests/contracts).
"""

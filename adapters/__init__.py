"""One sub-package for each technology; none knows another."""

"""One sub-package for each technology; none knows another, but for `http`, which lies below."""

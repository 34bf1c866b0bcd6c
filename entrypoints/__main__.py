"""`python -m entrypoints` is `postroom`."""

from entrypoints.cli import main

main()

"""`python -m postroom.entrypoints` is `postroom`."""

from postroom.entrypoints.cli import main

main()

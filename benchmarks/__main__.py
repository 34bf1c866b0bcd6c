import signal
import sys

from benchmarks.command import leave, main

signal.signal(signal.SIGTERM, leave)
sys.exit(main())

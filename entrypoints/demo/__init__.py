"""`postroom demo`: real messages through three providers, each played by an emulator.

Everything else is what production runs: the engines, the API, the worker and the listener, in
processes of their own. The emulators are those of the tests, so the demo runs from a checkout.
"""

from postroom.entrypoints.demo.play import run_demo

__all__ = ["run_demo"]

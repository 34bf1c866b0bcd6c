"""Work on a stranger's bytes, in processes that can be ended."""

from postroom.adapters.offload.processes import Processes

__all__ = ["Processes"]

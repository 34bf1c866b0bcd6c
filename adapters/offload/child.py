"""The process: does what it is sent on standard input, one work after the other, until the end.

The kernel ends it if a work takes too long. (SIGPROF, since nothing handles that: C code need not
come back to the interpreter for it.) Where memory is short, Python says so if it can.
"""

import os
import resource
import signal
import sys

from postroom.adapters.offload.wire import Request, Response, pack, read_request


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to a whole group: our parent's to handle
        signal.signal(number, signal.SIG_IGN)
    requests, responses = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no response
    while request := read_request(requests):
        response = _respond(request)
        responses.write(pack(response))
        responses.flush()
        if isinstance(response.error, MemoryError):
            return  # nobody knows what else did not get what it needed


def _respond(request: Request) -> Response:
    _limit_memory(request.memory)
    signal.setitimer(signal.ITIMER_PROF, request.seconds)
    try:
        return Response(request.work(request.argument))
    except Exception as error:  # noqa: BLE001 - it is handed on
        return Response(error=error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _limit_memory(resource.RLIM_INFINITY)


def _limit_memory(size: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        size = most if size == resource.RLIM_INFINITY else min(size, most)
    resource.setrlimit(resource.RLIMIT_AS, (size, most))


if __name__ == "__main__":
    main()

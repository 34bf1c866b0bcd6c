"""What the garbage collector has to go through while a process works."""

import gc


def freeze_startup() -> None:
    """Have the garbage collector pass over all that there is by now: libraries, for the most part.

    The providers' are many. Going through them again and again took a fifth of the CPU of a worker
    whose jobs do nothing. What is garbage later is found as ever.
    """
    gc.collect()
    gc.freeze()

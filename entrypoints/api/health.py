"""Whether the process lives, whether all that it needs is there, and its metrics."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import structlog
from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST

from postroom.application.ports import HealthCheck, QueueWitness
from postroom.domain.addresses import without_addresses
from postroom.domain.failure import Failure
from postroom.entrypoints.api.problems import NOT_READY, described
from postroom.entrypoints.api.services import Services

log = structlog.get_logger()

TIME_LIMIT = 2.0
"""Seconds that one check may take."""

OK = "ok"


@dataclass(frozen=True, slots=True)
class Readiness:
    """*checks*: by name, `ok` or what is wrong and what to do.

    *details*: by name, what is being put right, and stands in the way of nothing.
    """

    status: str
    checks: dict[str, str]
    details: dict[str, str]


@get("/health/live", tags=["health"])
async def live() -> dict[str, str]:
    """The process answers. It says nothing of what it needs: a restart would not mend that."""
    return {"status": "alive"}


@get("/health/ready", tags=["health"], responses=described(NOT_READY))
async def ready(services: NamedDependency[Services]) -> Readiness:
    """Everything that is needed is there; else 503 names what is wrong and what to do."""
    found = await asyncio.gather(*(_state(check) for check in services.health))
    checks = dict(zip((check.name for check in services.health), found, strict=True))
    if wrong := [f"{name}: {state}" for name, state in checks.items() if state != OK]:
        raise NOT_READY("; ".join(wrong), extra={"checks": checks})
    return Readiness("ready", checks, await _details(services.witness))


async def _details(witness: QueueWitness) -> dict[str, str]:
    """Nothing, if that cannot be had: the checks say what is away."""
    with suppress(Failure, TimeoutError):
        async with asyncio.timeout(TIME_LIMIT):
            known = await witness.load()
        if known.loss:
            at = f"{known.loss.noticed_at:%Y-%m-%d %H:%M:%S} UTC"
            left = f"folders that are still to list their mail again: {known.relisting}"
            return {"queue": f"found to be lost at {at}; {left}"}
    return {}


async def _state(check: HealthCheck) -> str:
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await check()
    except Failure as failure:
        return without_addresses(failure.reason)
    except TimeoutError:
        return f"no answer in {TIME_LIMIT:g} seconds"
    except Exception:  # a probe must answer
        log.exception("health check crashed", check=check.name)
        return "the check itself failed; see the log"
    return OK


@get("/metrics", tags=["health"], media_type="text/plain")
async def metrics(services: NamedDependency[Services]) -> Response[bytes]:
    """The metrics of this process, as Prometheus reads them."""
    return Response(services.telemetry.exposition(), media_type=CONTENT_TYPE_LATEST)


HANDLERS = (live, ready, metrics)

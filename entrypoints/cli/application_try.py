"""The command that tries an application: it calls with samples, and says what is wrong."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from postroom.application.check_application import Sample
from postroom.application.render_sample import new_key, sample_event
from postroom.application.try_application import Tried, TryApplication
from postroom.domain.handover.answer import as_dict
from postroom.domain.handover.application import Application
from postroom.entrypoints.cli.application_options import Name, Owner
from postroom.entrypoints.cli.context import with_core
from postroom.entrypoints.cli.errors import CommandFailed
from postroom.entrypoints.cli.output import AsJson, Row, one_line, print_json, print_table
from postroom.entrypoints.core import Core
from postroom.entrypoints.settings import Settings
from postroom.entrypoints.views.applications import shown_destination

PROCESSOR = "a processor runs in the worker, with the help desk's ledger: there is nothing to call"

File = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE.eml]", help="A mail that it gets, and that has its effect: twice."
    ),
]
Plan = Annotated[bool, typer.Option("--plan", help="Only print what it would be called with.")]


def try_(
    name: Name,
    file: File = None,
    tenant: Owner = "",
    *,
    plan: Plan = False,
    as_json: AsJson = False,
) -> None:
    """Call an application with a sample as with a message: again, at once, and as a forger would.

    Without a file the sample is a `postroom.test`, to which an application says 200 and no more.
    Exit code 1 if anything is wrong.
    """

    async def run(core: Core, settings: Settings) -> bool:
        found = await core.applications.get(tenant, name)
        if found is None:
            raise CommandFailed(f"there is no application {name}; see: postroom application list")
        raw = None if file is None else _read(file, settings.max_message_bytes)
        samples = [await _sample(core, found, raw) for _ in range(2)]
        trying = _trying(core, found)
        if plan:
            _print_request(trying, samples[0], as_json=as_json, whole=True)
            return True
        return await _try(trying, samples, as_json=as_json)

    if not with_core(run):
        raise CommandFailed(f"{name} does not do what it must: see above")


async def _sample(core: Core, application: Application, raw: bytes | None) -> Sample:
    key = new_key()
    if raw is None:
        return Sample(key, sample_event(application, key, core.clock.now()), has_effect=False)
    return Sample(key, await core.render_sample(application, key, raw))


def _trying(core: Core, application: Application) -> TryApplication:
    from postroom.entrypoints.container.handovers import generate_secret  # noqa: PLC0415

    caller = core.hand_over.callers.of(application)
    if caller is None:
        raise CommandFailed(PROCESSOR)
    forger = replace(application, secrets=(generate_secret(),)) if application.secrets else None
    return TryApplication(application, forger, caller, core.clock)


async def _try(trying: TryApplication, samples: list[Sample], *, as_json: bool) -> bool:
    if not as_json:
        _print_request(trying, samples[0], as_json=False, whole=False)
    wrong = await trying(*samples)
    if as_json:
        calls = [{"what": each.what, **_answer(each)} for each in trying.tried]
        print_json({"request": _request(trying, samples[0]), "calls": calls, "wrong": wrong})
    else:
        print_table([_row(each) for each in trying.tried], prose=("call", "read as"))
        typer.echo("\nWhat is wrong:" if wrong else "\nNothing is wrong, as far as answers show.")
        for sentence in wrong:
            typer.echo(f"  {one_line(sentence)}")
    return not wrong


def _answer(tried: Tried) -> dict[str, object]:
    return {"answer": as_dict(tried.answer), "seconds": round(tried.seconds, 3)}


def _row(tried: Tried) -> Row:
    answer = as_dict(tried.answer)
    said = next((answer[name] for name in ("reference", "reason") if answer.get(name)), "")
    return {
        "call": tried.what,
        "status": answer["status"] or "none",
        "read as": f"{answer['kind']}: {said}" if said else answer["kind"],
        "ms": round(tried.seconds * 1000),
    }


def _request(trying: TryApplication, sample: Sample) -> dict[str, object]:
    from postroom.entrypoints.container.handovers import shown_headers  # noqa: PLC0415

    application, call = trying.application, trying.call_of(sample)
    headers = shown_headers(application, call, trying.clock.now()) if trying.forger else {}
    return {
        "destination": shown_destination(application.destination),
        "headers": headers,
        "bytes": len(sample.body),
        "body": json.loads(sample.body),
    }


def _print_request(trying: TryApplication, sample: Sample, *, as_json: bool, whole: bool) -> None:
    request = _request(trying, sample)
    if as_json:
        print_json(request)
        return
    method = "POST" if trying.forger else "INSERT INTO postroom_inbox"
    typer.echo(f"{method} {request['destination']}")
    for name, value in request["headers"].items():  # type: ignore[attr-defined]
        typer.echo(f"{name}: {value}")
    typer.echo("")
    if whole:
        typer.echo(json.dumps(request["body"], indent=2))
    else:
        typer.echo(f"{request['bytes']} bytes; to see them, add --plan\n")


def _read(file: Path, largest: int) -> bytes:
    """Raises CommandFailed."""
    try:
        with file.open("rb") as opened:
            raw = opened.read(largest + 1)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error.strerror}") from None
    if len(raw) > largest:
        raise CommandFailed(f"{file} is larger than POSTROOM_MAX_MESSAGE_BYTES: {largest}")
    if not raw.strip():
        raise CommandFailed(f"{file} is empty")
    return raw

"""Jobs as they are stored: JSON that names its fields, to be read by later releases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Json
from pydantic import TypeAdapter, ValidationError

from postroom.adapters.postgres.strict import strictly
from postroom.domain.pointer import Pointer, PointerJob, UnknownPointer


class JobFormat:
    """*pointers* are the types of the pointers that this release knows, by provider."""

    def __init__(self, pointers: Mapping[str, type[Pointer]]) -> None:
        self._pointers: Mapping[str, TypeAdapter[Pointer]] = {
            name: strictly(pointer) for name, pointer in pointers.items()
        }

    def dumped(self, job: PointerJob) -> Json:
        return Json(
            {
                "id": job.id,
                "tenant": job.tenant,
                "mailbox": job.mailbox,
                "pointer": {"provider": job.pointer.provider, **self._fields(job.pointer)},
                "enqueued_at": job.enqueued_at.isoformat(),
                "traceparent": job.traceparent,
                "backfilled": job.backfilled,
            }
        )

    def _fields(self, pointer: Pointer) -> Mapping[str, Any]:
        if isinstance(pointer, UnknownPointer):
            return pointer.values
        fields: Mapping[str, Any] = self._pointers[pointer.provider].dump_python(
            pointer, mode="json"
        )
        return fields

    def job(self, stored: Mapping[str, Any]) -> PointerJob:
        """The job that was dumped."""
        values = dict(stored)
        return PointerJob(
            pointer=self._pointer(**values.pop("pointer")),
            enqueued_at=datetime.fromisoformat(values.pop("enqueued_at")),
            **values,
        )

    def _pointer(self, provider: str, **values: Any) -> Pointer:  # noqa: ANN401 - its own fields
        """Of an unknown provider, or with other fields, it is shown all the same."""
        try:
            return self._pointers[provider].validate_python(values)
        except (KeyError, ValidationError):
            return UnknownPointer(provider, values)

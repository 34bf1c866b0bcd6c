"""Query parameters that several addresses have."""

from datetime import UTC, datetime
from typing import Annotated

from litestar.params import QueryParameter

Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Name = Annotated[str, QueryParameter(max_length=1024)]


def aware(moment: datetime | None) -> datetime | None:
    """In UTC where it has no offset."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

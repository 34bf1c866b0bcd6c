"""The providers as a scenario acts them, by what people call them."""

from collections.abc import Mapping

from tests.features.flapping import GatedMessages
from tests.features.providers.gmail import Gmail
from tests.features.providers.imap import Imap
from tests.features.providers.microsoft import Microsoft
from tests.features.providers.stage import Request, Stage
from tests.features.rigs import Rig

__all__ = ["Gmail", "Imap", "Microsoft", "Request", "Stage", "stages"]


def stages(rig: Rig, tenant: str, messages: GatedMessages) -> Mapping[str, Stage]:
    return {
        "Microsoft 365": Microsoft(rig, tenant, messages),
        "Gmail": Gmail(rig, tenant, messages),
        "IMAP": Imap(rig, tenant, messages),
    }

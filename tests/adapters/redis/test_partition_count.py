"""How a queue is kept from being read with another number of partitions."""

import pytest

from postroom.adapters.redis.partition_count import PartitionCountHealth
from postroom.adapters.redis.servers import Servers
from postroom.domain.failure import Unavailable


async def test_the_first_number_is_kept_and_another_refused(servers: Servers, prefix: str) -> None:
    await PartitionCountHealth(servers, 4, prefix=prefix)()

    await PartitionCountHealth(servers, 4, prefix=prefix)()
    with pytest.raises(Unavailable, match="set POSTROOM_REDIS_PARTITIONS=4"):
        await PartitionCountHealth(servers, 2, prefix=prefix)()


async def test_a_queue_of_another_prefix_has_a_number_of_its_own(
    servers: Servers, prefix: str
) -> None:
    await PartitionCountHealth(servers, 4, prefix=prefix)()

    await PartitionCountHealth(servers, 2, prefix=f"{prefix}-other")()

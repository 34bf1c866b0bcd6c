"""What every LedgerConnections promises. What is written with it, only its own tests can say."""

import pytest

from postroom.application.ports import IdempotencyLedger, LedgerConnections
from tests.contracts.conftest import Storage
from tests.contracts.samples import identity, imap_mailbox

PORTS = {LedgerConnections}


@pytest.fixture
def connections(storage: Storage) -> LedgerConnections:
    return storage.ledger_connections


async def test_there_is_one_in_a_ledger_block_of_the_tenant_alone(
    ledger: IdempotencyLedger, connections: LedgerConnections
) -> None:
    async with ledger.once(imap_mailbox(), identity()):
        async with connections.of_block("acme") as lent:
            assert lent.own is not None
            assert lent.for_thread is not None
        with pytest.raises(RuntimeError):
            async with connections.of_block("globex"):
                pass

    with pytest.raises(RuntimeError):
        async with connections.of_block("acme"):
            pass


async def test_the_block_is_committed_after_it(
    ledger: IdempotencyLedger, connections: LedgerConnections
) -> None:
    async with ledger.once(imap_mailbox(), identity()), connections.of_block("acme"):
        pass

    async with ledger.once(imap_mailbox(), identity()) as is_new:
        assert not is_new

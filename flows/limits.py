"""One flow at a time loads into a warehouse, wherever it runs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import get_current_settings

import tcpdw
from tcpdw.errors import WarehouseBusyError, WarehouseError

LEASE_SECONDS = 60.0
"""So long after a flow was killed, the next may load: Prefect has no shorter."""

STUCK_SECONDS = 300.0
"""A slot that was taken for so long, though nobody has the warehouse open, is set free."""

_PAUSE_SECONDS = 1.0


@contextmanager
def loading(path: Path, *, stuck: float = STUCK_SECONDS) -> Generator[None]:
    """Hold Prefect's global concurrency limit of a warehouse, made with one slot where it is new.

    The limit spares flows from failing on each other; what keeps the warehouse safe is its own
    lock, so without a server it goes without. A server that is ended while the slot is taken
    forgets by whom, and never frees it: that is done here, after `stuck` seconds.
    """
    if get_current_settings().api.url is None:
        yield
        return
    name = limit_name(path)
    with ExitStack() as stack, get_client(sync_client=True) as client:
        while True:
            _await(client, name, path, stuck)
            # Another one that waited may have been quicker.
            with suppress(TimeoutError):
                stack.enter_context(
                    concurrency(
                        name,
                        timeout_seconds=stuck,
                        lease_duration=LEASE_SECONDS,
                        raise_on_lease_renewal_failure=False,
                    )
                )
                break
        yield


def limit_name(path: Path) -> str:
    """Name the limit of a warehouse: by its path, which is not one of the names Prefect takes."""
    digest = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape"))
    return f"tcpdw-load-{digest.hexdigest()[:12]}"


def _await(client: SyncPrefectClient, name: str, path: Path, stuck: float) -> None:
    deadline = time.monotonic() + stuck
    is_told = False
    while _is_taken(client, name):
        if not is_told:
            get_run_logger().info("waiting for the flow that loads into %s", path.name)
            is_told = True
        if time.monotonic() > deadline:
            if not _is_in_use(path):
                get_run_logger().warning(
                    "the concurrency limit %s was taken for %.0f s, but nobody loads: it is freed",
                    name,
                    stuck,
                )
                free = GlobalConcurrencyLimitUpdate(active_slots=0)
                client.update_global_concurrency_limit(name, free)
                return
            deadline += stuck
        time.sleep(_PAUSE_SECONDS)


def _is_taken(client: SyncPrefectClient, name: str) -> bool:
    try:
        limit = client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        # Another flow may be first.
        with suppress(ObjectAlreadyExists):
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
        return False
    return limit.active_slots >= limit.limit


def _is_in_use(path: Path) -> bool:
    try:
        tcpdw.connect(path).close()
    except WarehouseBusyError:
        return True
    except WarehouseError:
        return False
    return False

"""One flow at a time loads into a warehouse, wherever it runs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import get_current_settings

LEASE_SECONDS = 60.0
"""So long after a flow was killed, the next may load: Prefect has no shorter."""

STUCK_SECONDS = 900.0
"""After so long a flow goes on without the limit, which a server that died may never set free."""


@contextmanager
def loading(warehouse: Path, *, stuck: float = STUCK_SECONDS) -> Generator[None]:
    """Hold Prefect's global concurrency limit of a warehouse, made with one slot where it is new.

    The limit spares flows from waiting in each other's way; what keeps the warehouse safe is its
    own lock, so without a server, or after `stuck` seconds, it goes without.
    """
    if get_current_settings().api.url is None:
        yield
        return
    name = limit_name(warehouse)
    _make(name)
    with ExitStack() as stack:
        try:
            _hold(stack, name, 1.0)
        except TimeoutError:
            _log().info("waiting for the flow that loads into %s", warehouse.name)
            try:
                _hold(stack, name, stuck)
            except TimeoutError:
                _log().warning(
                    "the concurrency limit %s was not free in %.0f s: going on by the lock of the"
                    " warehouse alone; `prefect gcl inspect %s` shows who holds it",
                    name, stuck, name,
                )  # fmt: skip
        yield


def limit_name(warehouse: Path) -> str:
    """Name the limit of a warehouse: by its path, which is not one of the names Prefect takes."""
    digest = hashlib.sha256(str(warehouse.absolute()).encode("utf-8", "surrogateescape"))
    return f"tcpdw-load-{digest.hexdigest()[:12]}"


def _make(name: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            # Another flow may be first.
            with suppress(ObjectAlreadyExists):
                client.create_global_concurrency_limit(
                    GlobalConcurrencyLimitCreate(name=name, limit=1)
                )


def _hold(stack: ExitStack, name: str, seconds: float) -> None:
    stack.enter_context(
        concurrency(
            name,
            timeout_seconds=seconds,
            lease_duration=LEASE_SECONDS,
            raise_on_lease_renewal_failure=False,
        )
    )


def _log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    return get_run_logger()

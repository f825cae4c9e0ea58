"""A run around the object store: what it has more comes down before, what is new here goes there after."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from treasury_watch.flows.alerts import outbox
from treasury_watch.flows.alerts.mails import operator_mail
from treasury_watch.flows.log import logs
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import TreasuryWatchError
from treasury_watch.warehouse.home.folders import Busy
from treasury_watch.warehouse.installation import Warehouse
from treasury_watch.warehouse.store.objects import StoreBehind, StoreError, StoreMoved


@contextmanager
def stored(settings: Settings, warehouse: Warehouse, *, sample: bool = False) -> Iterator[None]:
    """The block, with what the store has more brought down before it and what the home has new put there after it.

    The embedded sample and its homes never meet a store. A home with a ledger of its own goes on while the store cannot be
    read, an empty one must not begin history anew. What was archived goes to the store also where the block fails. Raises
    StoreError, or StoreBehind after the block.
    """
    store = None if sample or warehouse.is_sample else settings.store(warehouse)
    if store is None:
        yield
        return
    unread = None
    try:
        if store.take():
            logs.say("store read", f"taken from the store: {store.objects.shown}", store=store.objects.shown)
    except StoreError as problem:
        if not warehouse.home.ledger.exists():
            raise
        unread = problem
        logging.getLogger(__name__).warning("going on without the store: %s", problem)
    try:
        yield
    except Busy:
        raise
    except Exception as problem:
        try:
            store.put()
        except (TreasuryWatchError, OSError) as other:
            store.behind(other)
            problem.add_note(f"the store is behind: {other}")
        raise
    try:
        store.put()
    except (TreasuryWatchError, OSError) as problem:
        reason = unread if unread and isinstance(problem, StoreMoved) else problem
        store.behind(reason)
        raise StoreBehind(
            f"the run is complete on this machine, but the store is behind, and the next run catches up: {reason}"
        ) from problem
    logs.say("store written", f"the store is in step: {store.objects.shown}", store=store.objects.shown)
    outbox.drop(warehouse.state, operator_mail.STORE, [], "the store caught up")

"""Several accounts: each job goes to the one with room, and keys, limits, budgets and breakers never mix."""

from __future__ import annotations

from seedance_async.pool.accounts import Account
from seedance_async.pool.pool import AccountPool

__all__ = ["Account", "AccountPool"]

"""From the address of a store to the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from seedance_async.errors import InvalidRequest

if TYPE_CHECKING:
    from seedance_async.ledger.claims.shelf import Shelf

__all__ = ["shelf_of"]

_DATABASES: Final = ("postgresql", "postgres")


def shelf_of(place: Any, **options: Any) -> Shelf:
    """Make the store that an address names, or wrap a store object of obstore.

    Raises:
        MissingExtra: the extra for this kind of store is not installed.
        InvalidRequest: the address or an option is not valid.
    """
    from seedance_async.ledger.claims.objects import SCHEMES, ObjectShelf

    if not isinstance(place, str):
        return ObjectShelf(place, **options)
    scheme = place.partition("://")[0]
    if scheme in _DATABASES:
        from seedance_async.ledger.claims.postgres import PostgresShelf

        return PostgresShelf(place, **options)
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in (*SCHEMES, _DATABASES[0]))
        raise InvalidRequest(field="place", value=scheme, limit=f"must start with one of {known}")
    return ObjectShelf(place, **options)

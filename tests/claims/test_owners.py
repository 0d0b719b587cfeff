"""Several machines over one store: one claims a job, and exactly one takes over what a dead one left."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from attrs import define
from obstore.store import S3Store

from seedance_async.errors import ClaimHeld, InvalidRequest, JournalError, MissingExtra
from seedance_async.ledger.claims import Claims
from seedance_async.ledger.claims.objects import ObjectShelf
from seedance_async.ledger.rows import JobState
from tests.claims.stores import SHARED, Stand, bring, intent
from tests.journal.jobs import LOST

if TYPE_CHECKING:
    from seedance_async.ledger.claims import Claim

pytestmark = pytest.mark.asyncio
every_store = pytest.mark.parametrize("stand", SHARED, indirect=True)
in_memory = pytest.mark.parametrize("stand", ["memory"], indirect=True)


@every_store
async def test_of_many_machines_that_claim_one_job_exactly_one_may_send(stand: Stand) -> None:
    """Eight owners at once: one claim is made, and the seven others are told who holds it."""
    async with AsyncExitStack() as stack:
        machines = [await stack.enter_async_context(stand.claims()) for _ in range(8)]
        await machines[0].plan([])

        async def claim(claims: Claims) -> bool:
            try:
                await claims.sending(intent("a"))
            except ClaimHeld:
                return False
            return True

        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(claim(claims)) for claims in machines]
        assert sorted(done.result() for done in tries) == [False] * 7 + [True]


@every_store
async def test_a_living_owner_keeps_its_claim_and_a_gone_one_loses_it_to_one(stand: Stand) -> None:
    """While it lives nobody may look for its task; when it is gone exactly one of four may."""
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(stand.claims()) for _ in range(4)]
        first = stand.claims()
        async with first:
            await bring(first, "a", JobState.SENDING)
            await bring(first, "b", JobState.ACCEPTED)
            with pytest.raises(ClaimHeld, match=str(first.owner.pid)):
                await others[0].find("a")
            assert await others[0].abandoned() == []
        assert await others[0].abandoned() == ["a"]

        async def take(claims: Claims) -> Any:
            try:
                return await claims.find("a")
            except ClaimHeld:
                return None

        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(take(claims)) for claims in others]
        taken = [done.result() for done in tries if done.result() is not None]
        assert [found.key for found in taken] == ["a"]
        assert await others[0].abandoned() == []
        assert (await others[0].states(["a"]))["a"] is JobState.UNCERTAIN


@pytest.mark.parametrize("stand", ["folder", "postgres"], indirect=True)
async def test_an_owner_that_gives_no_sign_of_life_counts_as_dead(stand: Stand) -> None:
    """A machine that died says nothing: when its lease has run out its claims are free."""
    async with stand.claims() as living, stand.claims() as dying:
        await bring(dying, "a", JobState.SENDING)
        assert await living.abandoned() == []
        stand.silence(dying.owner.id)
        assert await living.abandoned() == ["a"]
        assert await living.find("a") is not None


@in_memory
async def test_who_was_taken_for_dead_still_tells_the_task_and_no_third_one_is_made(stand: Stand) -> None:
    """An owner that slept too long and then gets its answer settles the claim that another took over."""
    async with stand.claims() as slow, stand.claims() as quick:
        await bring(slow, "a", JobState.SENDING)
        await slow.shelf.close()  # its sign of life is gone, and it goes on all the same
        assert await quick.find("a") is not None
        await slow.accepted("a", "cgt-1")
        with pytest.raises(JournalError):
            await quick.absent("a")
        assert (await quick.lookup(["a"]))["a"].task_id == "cgt-1"


@in_memory
async def test_who_comes_back_after_the_job_was_sent_again_is_told_so(stand: Stand) -> None:
    """The answer to an earlier POST never becomes the task of a later one."""
    async with stand.claims() as slow, stand.claims() as quick:
        await bring(slow, "a", JobState.SENDING)
        await slow.shelf.close()  # as above
        await quick.find("a")
        await quick.absent("a")
        await quick.sending(intent("a"))
        with pytest.raises(JournalError, match="submitted it again"):
            await slow.accepted("a", "cgt-1")
        await quick.accepted("a", "cgt-2")
        assert (await quick.lookup(["a"]))["a"].task_id == "cgt-2"


@every_store
async def test_open_submits_of_other_machines_count_as_twins(stand: Stand) -> None:
    """A match by what several submits share is not believed while another machine has such a submit open."""
    async with stand.claims() as here, stand.claims() as there:
        await here.sending(intent("a"))
        assert not await here.has_twin(intent("a"))
        await there.sending(intent("b", facts={"model": "another"}))
        assert not await here.has_twin(intent("a"))
        await there.sending(intent("c"))
        assert await here.has_twin(intent("a"))
        await there.accepted("c", "cgt-c")
        assert not await here.has_twin(intent("a"))


@in_memory
async def test_a_task_that_was_noted_but_not_told_is_still_there_to_be_found(stand: Stand) -> None:
    """A crash between noting whose the task is and telling the claim hides the task from others alone."""
    async with stand.claims() as dead:
        await bring(dead, "a", JobState.SENDING)
        await dead.shelf.assign("cgt-1", "a", 1)  # the crash comes here
    async with stand.claims() as heir, stand.claims() as other:
        await heir.find("a")
        assert await heir.owners(["cgt-1"]) == {}
        assert await other.owners(["cgt-1"]) == {"cgt-1": "a"}
        await heir.accepted("a", "cgt-1")
        assert await heir.owners(["cgt-1"]) == {"cgt-1": "a"}


@every_store
async def test_a_store_belongs_to_one_account(stand: Stand) -> None:
    """Keys never mix: another account is refused, and only a hash of the first is kept."""
    async with stand.claims(account="https://one.example") as claims:
        await bring(claims, "a", JobState.PLANNED)
    async with stand.claims(account="https://one.example"), stand.claims():
        pass
    with pytest.raises(JournalError, match="another account"):
        async with stand.claims(account="https://two.example"):
            pass


async def test_a_store_that_overwrites_is_refused_at_the_start() -> None:
    """A bucket that takes no notice of If-None-Match would let two machines pay for one job."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(headers={"ETag": '"1"', "Last-Modified": "Sun, 22 Nov 2026 00:00:00 GMT"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        store = S3Store(
            "bucket",
            endpoint=f"http://127.0.0.1:{port}",
            region="us-east-1",
            access_key_id="test",
            secret_access_key="test",
            client_options={"allow_http": True},
        )
        with pytest.raises(JournalError, match="overwrites"):
            async with Claims.open(store):
                pass
    finally:
        await runner.cleanup()


@define
class _Wrapped(ObjectShelf):
    """A store that makes a version and says that it was there: its first answer got lost."""

    place: Any
    silent: bool = False

    def __attrs_post_init__(self) -> None:
        ObjectShelf.__init__(self, self.place)

    async def make(self, claim: Claim) -> bool:
        """Make a version, and maybe forget about it."""
        made = await ObjectShelf.make(self, claim)
        return made and not self.silent


@in_memory
async def test_an_answer_of_the_store_that_got_lost_does_not_lose_the_claim(stand: Stand) -> None:
    """A claim that was made, and whose repetition the store refused, is recognised as ours."""
    async with stand.claims() as other:
        shelf = _Wrapped(stand.place, silent=True)
        async with Claims(shelf, lease=5.0, account=None) as claims:
            await claims.sending(intent("a"))
            await claims.uncertain("a", LOST)
            with pytest.raises(ClaimHeld):
                await other.sending(intent("a"))


@define
class _Slow(ObjectShelf):
    """A store that takes its time to make a version."""

    place: Any

    def __attrs_post_init__(self) -> None:
        ObjectShelf.__init__(self, self.place)

    async def make(self, claim: Claim) -> bool:
        """Make a version in a while."""
        await asyncio.sleep(0.2)
        return await ObjectShelf.make(self, claim)


@in_memory
async def test_who_leaves_while_the_claim_is_made_leaves_no_claim_open(stand: Stand) -> None:
    """A write that is under way is carried through, so that taking it back finds what it wrote."""
    async with Claims(_Slow(stand.place), lease=5.0, account=None) as claims:
        leaving = asyncio.create_task(claims.sending(intent("a")))
        await asyncio.sleep(0.05)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert leaving.cancelled()
        assert (await claims.states(["a"]))["a"] is JobState.SENDING
        await claims.absent("a")
        await claims.absent("nobody")
        assert await claims.states(["a", "nobody"]) == {"a": JobState.PLANNED}


@in_memory
async def test_a_claim_that_took_too_long_is_taken_back_and_nothing_is_sent(stand: Stand) -> None:
    """A POST is searched for by the time of its claim: one that would go out much later must not."""
    async with stand.claims() as claims:
        late = intent("a")
        with pytest.raises(JournalError, match="too long") as caught:
            await claims.sending(intent("a", sent_at=late.sent_at - 11, until=late.until - 11))
        assert caught.value.transient
        assert (await claims.states(["a"]))["a"] is JobState.PLANNED


@in_memory
async def test_who_is_not_seen_alive_claims_nothing(stand: Stand) -> None:
    """A closed owner, whose claims others may take, is refused before it can claim."""
    claims = stand.claims()
    async with claims:
        pass
    with pytest.raises(JournalError, match="sign of life"):
        await claims.sending(intent("a"))


@pytest.mark.parametrize("place", ["ftp://x/y", "folder", "s3:/bucket"])
async def test_an_address_that_is_none_is_refused_with_those_that_are(place: str) -> None:
    """The message names the addresses that would do."""
    with pytest.raises(InvalidRequest, match="postgresql://"):
        Claims.open(place)


@pytest.mark.parametrize("lease", [0.0, float("inf"), float("nan"), "x"])
async def test_a_lease_that_is_none_is_refused(lease: Any) -> None:
    """A lease of no or endless seconds would make everybody dead or nobody."""
    with pytest.raises(InvalidRequest, match="lease"):
        Claims.open("memory://", lease=lease)


@pytest.mark.parametrize(
    ("place", "library", "extra"),
    [("memory://", "obstore", "storage"), ("postgresql:///seedance", "psycopg", "postgres")],
)
async def test_a_store_without_its_extra_names_it(
    place: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not installed a store's library learns what to install, before anything is claimed."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf"seedance-async\[{extra}\]"):
        Claims.open(place)

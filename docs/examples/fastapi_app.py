"""A web API for batches that may be restarted whenever you like: ``uvicorn fastapi_app:app``."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator  # noqa: TC003 - one line instead of four
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from seedance_async import SeedanceError, SeedanceSession, StopSwitch

FOLDER = Path("batches")
FOLDER.mkdir(exist_ok=True)
DONE: dict[str, dict[str, str]] = {file.stem: {} for file in FOLDER.glob("*.json")}  # of earlier runs


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open one session for the whole server, and go on with what an earlier one left."""
    switch = app.state.switch = StopSwitch()
    async with SeedanceSession() as app.state.session, asyncio.TaskGroup() as app.state.group:
        for name in DONE:
            app.state.group.create_task(work(name))
        yield
        switch.stop()


app = FastAPI(lifespan=lifespan)


async def work(name: str) -> None:
    """Run one batch; its file of prompts and its journal make that repeatable."""
    told, prompts = DONE.setdefault(name, {}), json.loads((FOLDER / f"{name}.json").read_text())
    places = {"journal": FOLDER / f"{name}.db", "save_to": FOLDER / name}
    try:
        async for outcome in app.state.session.run_many(prompts, **places, stop=app.state.switch):
            told[outcome.key] = outcome.kind.value
    except SeedanceError as error:  # told to who asks; the other batches go on
        told["error"] = str(error)


@app.post("/batches", status_code=202)
async def order(prompts: list[str]) -> str:
    """Take prompts, and answer at once with a name; the work goes on in the background."""
    name = uuid.uuid4().hex
    (FOLDER / name).write_text(json.dumps(prompts))
    (FOLDER / name).rename(FOLDER / f"{name}.json")  # whole, or not there after a crash
    app.state.group.create_task(work(name))
    return name


@app.get("/batches/{name}")
async def look(name: str) -> dict[str, str]:
    """Say what became of each prompt that has ended, and why a batch could not go on."""
    return DONE.get(name, {})

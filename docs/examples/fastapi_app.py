"""A web API for batches that may be restarted whenever you like: ``uvicorn fastapi_app:app``."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

from seedance_async import SeedanceSession, StopSwitch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

FOLDER = Path("batches")
FOLDER.mkdir(exist_ok=True)
LEFT = [file.stem for file in FOLDER.glob("*.json")]  # by an earlier run of this server
DONE: dict[str, dict[str, str]] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open one session for the whole server, and go on with what an earlier one left."""
    switch = app.state.switch = StopSwitch()
    async with SeedanceSession() as app.state.session, asyncio.TaskGroup() as app.state.group:
        for name in LEFT:
            app.state.group.create_task(work(name))
        yield
        switch.stop()


app = FastAPI(lifespan=lifespan)


async def work(name: str) -> None:
    """Run one batch; its file of prompts and its journal make that repeatable."""
    prompts: list[str] = json.loads((FOLDER / f"{name}.json").read_text())
    places = {"journal": FOLDER / f"{name}.db", "save_to": FOLDER / name}
    async for outcome in app.state.session.run_many(prompts, **places, stop=app.state.switch):
        DONE.setdefault(name, {})[outcome.key] = outcome.kind.value


@app.post("/batches", status_code=202)
async def order(prompts: list[str]) -> str:
    """Take prompts, and answer at once with a name; the work goes on in the background."""
    name = uuid.uuid4().hex
    (FOLDER / f"{name}.json").write_text(json.dumps(prompts))
    app.state.group.create_task(work(name))
    return name


@app.get("/batches/{name}")
async def look(name: str) -> dict[str, str]:
    """Say what became of each prompt that has ended."""
    return DONE.get(name, {})

"""An endpoint that does nothing: FastAPI reads the same request and writes an answer as long as the service's."""

import sys

import uvicorn
from fastapi import FastAPI

from service.tasks.events import Answer, Chance, Request, Tagged

TOP = [Chance(tag=f"tag-{number}", chance=0.12345678901234567, threshold=0.123456789012) for number in range(5)]
SAID = Answer(model="workspace:01234567", events=[Tagged(id="ev1053-12", tags=["tag-0"], top=TOP)])

app = FastAPI()


@app.get("/health")
async def health() -> bool:
    return True


@app.post("/predict/events")
async def empty(asked: Request) -> Answer:
    return SAID


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning", server_header=False)

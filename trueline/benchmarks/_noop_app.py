"""An endpoint that does nothing: FastAPI parses the same request and sends an answer as long as the service's."""

import sys

import uvicorn
from fastapi import FastAPI

from trueline.service.tasks.events import Answer, Chance, Request, Tagged

TOP_TAGS = [Chance(tag=f"tag-{number}", chance=0.12345678901234567, threshold=0.123456789012) for number in range(5)]
CONSTANT_ANSWER = Answer(
    model="workspace:01234567", events=[Tagged(id="ev1053-12", tags=["tag-0"], top=TOP_TAGS, warnings=[])]
)

app = FastAPI()


@app.get("/health")
async def check_health() -> bool:
    return True


@app.post("/predict/events")
async def answer_events(request: Request) -> Answer:
    return CONSTANT_ANSWER


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning", server_header=False)

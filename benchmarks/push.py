"""How fast events are sent, ledger and plan included, against a server that answers after 40 ms; 8 connections of 500 events.

The baseline is the same number of ready-made bodies posted by bare httpx over 8 connections, in the same run. Asked for: at least 60,000 events a second.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

LATENCY = 0.040
CONNECTIONS = 8
BATCH = 500
EVENTS = int(os.environ.get("BENCH_EVENTS", 1_000_000))


async def answers_late(scope, receive, send):
    """Takes the body, waits, says ok: a server that doesn't compute."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(LATENCY)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"15")]})
    await send({"type": "http.response.body", "body": b'{"status":"ok"}'})


def serve(port: int) -> None:
    import uvicorn

    uvicorn.run(answers_late, host="127.0.0.1", port=port, log_level="error", access_log=False)


def baseline(url: str, bodies: list[bytes]) -> float:
    import httpx

    with httpx.Client(limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)) as client, ThreadPoolExecutor(CONNECTIONS) as pool:
        started = time.perf_counter()
        list(pool.map(lambda body: client.post(f"{url}/usage/api_calls", content=body).status_code, bodies))
        return time.perf_counter() - started


def ours(home: str) -> tuple[float, float]:
    """Seconds for the plan and for sending every part, recorded and in the ledger."""
    from ingest import push
    from ingest.billing import BillingClient
    from ingest.store import accounts, pushes
    from tests.made import checked_import

    import_id = checked_import(EVENTS)
    push_id = push.begin(import_id, "bench")
    started = time.perf_counter()
    parts = push.plan(push_id)
    planned = time.perf_counter() - started
    with BillingClient(accounts.account()) as client:
        for part in range(parts):
            sent = push.send_part(push_id, part, client)
            assert sent.outcome == "done", sent
    total = time.perf_counter() - started
    assert pushes.counts(push_id)[0].accepted == EVENTS
    return planned, total


def main() -> None:
    port = 18431
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    server.start()
    time.sleep(1.5)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"INTAKE_HOME": home, "INTAKE_API_URL": f"http://127.0.0.1:{port}", "INTAKE_API_KEY": "k", "INTAKE_ORGANISATION": "o"}
        try:
            bodies = [b'{"customer_id":"cus_1","timestamp":"2026-10-01 00:00:00.000","data":{"quantity":1.25,"region":"eu-1","event_id":"461b8f02-1678-7203-434c-d039db245192","import_id":"imp_0123456789ab"}},' * BATCH] * (EVENTS // BATCH)
            bare = baseline(f"http://127.0.0.1:{port}", bodies)
            planned, total = ours(home)
        finally:
            server.terminate()
    print(f"{'what':44} {'seconds':>8} {'events/s':>10} {'of baseline':>12}")
    for what, seconds in (("bare httpx, ready-made bodies (baseline)", bare), ("plan, hashes and ledger", planned), ("plan, send, every answer recorded", total)):
        print(f"{what:44} {seconds:8.2f} {EVENTS / seconds:10,.0f} {bare / seconds:12.2f}")
    sys.exit(0 if EVENTS / total >= 60_000 else 1)


if __name__ == "__main__":
    main()

"""No-op tasks of Procrastinate, whose queue and results are rows of PostgreSQL.

    procrastinate_peer.py TASKS

Prints {"tasks", "wall_s", "tasks_per_s"}: from the first task deferred to the last one noted as done.
"""

import json
import os
import subprocess
import sys
import time

import procrastinate
import psycopg

DATABASE = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://", 1)

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=DATABASE), import_paths=["procrastinate_peer"])


@app.task(name="nothing", queue="peer")
async def nothing():
    return 0


def main(tasks):
    synchronous = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=DATABASE))
    synchronous.open()
    synchronous.schema_manager.apply_schema()
    task = synchronous.configure_task("nothing", queue="peer", allow_unknown=True)
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "procrastinate", "--app", "procrastinate_peer.app", "worker", "--queues", "peer",
             "--concurrency", "16"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        with psycopg.connect(DATABASE, autocommit=True) as connection:

            def done():
                return connection.execute(
                    "select count(*) from procrastinate_jobs where status = 'succeeded'").fetchone()[0]

            task.defer()
            while done() < 1:
                time.sleep(0.05)
            before = done()
            begun = time.monotonic()
            for start in range(0, tasks, 500):
                task.batch_defer(*[{} for _ in range(min(500, tasks - start))])
            while done() - before < tasks:
                time.sleep(0.05)
            wall = time.monotonic() - begun
        print(json.dumps({"tasks": tasks, "wall_s": round(wall, 2), "tasks_per_s": round(tasks / wall)}))
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))

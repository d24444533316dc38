"""No-op tasks of Celery: RabbitMQ as broker with a quorum queue, PostgreSQL for results.

    celery_peer.py TASKS

Prints {"tasks", "wall_s", "tasks_per_s"}: from the first task sent to the last result stored.
"""

import json
import os
import subprocess
import sys
import time

import sqlalchemy
from celery import Celery
from kombu import Queue

DATABASE = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://", 1)

app = Celery(
    "celery_peer",
    broker=os.environ["AMQP_URL"],
    backend="db+" + DATABASE.replace("postgresql://", "postgresql+psycopg2://", 1),
)
app.conf.update(
    task_queues=[Queue("peer.celery", queue_arguments={"x-queue-type": "quorum"})],
    task_default_queue="peer.celery",
    task_default_queue_type="quorum",
    worker_detect_quorum_queues=True,
    task_acks_late=True,
    broker_transport_options={"confirm_publish": True},
    worker_prefetch_multiplier=64,
    task_ignore_result=False,
)


@app.task
def nothing():
    return 0


def main(tasks):
    engine = sqlalchemy.create_engine(app.conf.result_backend.removeprefix("db+"))
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", "--concurrency", "4", "--without-gossip",
         "--without-mingle", "--loglevel", "ERROR"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        nothing.delay().get(timeout=60)

        def done():
            with engine.connect() as connection:
                return connection.execute(
                    sqlalchemy.text("select count(*) from celery_taskmeta where status = 'SUCCESS'")).scalar()

        before = done()
        begun = time.monotonic()
        for _ in range(tasks):
            nothing.delay()
        while done() - before < tasks:
            time.sleep(0.05)
        wall = time.monotonic() - begun
        print(json.dumps({"tasks": tasks, "wall_s": round(wall, 2), "tasks_per_s": round(tasks / wall)}))
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""Leases as Redlock makes them, on one local Redis: SET NX PX with a random value, released by a script that compares it.

    redis_peer.py PORT CLIENTS CYCLES RESOURCES

Each client takes some resource, touches it, and gives it back. One cycle in a hundred the client pauses, as a garbage
collection or a stopped machine would, for longer than its lease lasts, and then goes on using what it believes to hold.
Prints {"cycles", "cycles_per_s", "double_grants"}: a double grant is a use by somebody while another holds the lease.
"""

import json
import multiprocessing
import random
import sys
import time
import uuid

import redis

LASTS_MS = 200
PAUSE_S = 0.3
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"


def client(port, cycles, resources, seed, results):
    rng = random.Random(seed)
    server = redis.Redis(port=port)
    release = server.register_script(RELEASE)
    doubles = 0
    for _ in range(cycles):
        value = str(uuid.uuid4())
        while True:
            key = f"lease:{rng.randrange(resources)}"
            if server.set(key, value, nx=True, px=LASTS_MS):
                break
        if rng.random() < 0.01:
            time.sleep(PAUSE_S)
        # The use of the resource: who else holds it now?
        holder = server.get(key)
        if holder is not None and holder.decode() != value:
            doubles += 1
        release(keys=[key], args=[value])
    results.put(doubles)


def main(port, clients, cycles, resources):
    results = multiprocessing.Queue()
    share = cycles // clients
    begun = time.monotonic()
    processes = [
        multiprocessing.Process(target=client, args=(port, share, resources, seed, results)) for seed in range(clients)
    ]
    for process in processes:
        process.start()
    doubles = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    wall = time.monotonic() - begun
    print(json.dumps({
        "cycles": share * clients, "cycles_per_s": round(share * clients / wall), "double_grants": doubles}))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:5]))

"""Runs the steps of bench/adapt and writes their results."""
import datetime
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import matrix
import measure
import report
import sinks
from clients import path

ROUNDS = int(os.environ.get("ROUNDS", "5"))


def upload(scratch, endpoint, data, *settings):
    shutil.rmtree(scratch / "run", ignore_errors=True)
    job = scratch / "job.yaml"
    job.write_text(f"source: [{{path: {data}}}]\ndestination: {{bucket: bench, endpoint: '{endpoint.url}'}}\n"
                   "integrity: {checksum: none}\nreport: {progress: none}\n")
    options = [part for setting in settings for part in ("--set", setting)]
    argv = [path("s3flow"), "run", str(job), "--run-dir", str(scratch / "run"), *options]
    measured = measure.command(argv, sinks.ENVIRONMENT, scratch / "output")
    summary = json.loads((scratch / "run/summary.json").read_text())
    return {**measured, "uploaded": summary["uploaded"], "failed": summary["failed"], "seconds": summary["seconds"],
            "peak_bytes": summary["peak_memory_bytes"], "slots": summary["slots"]}


def row(**changes):
    return {**matrix.DEFAULTS, **changes}


def sweep(scratch, data, kinds, slots, **store):
    rates = {kind: [] for kind in kinds}
    with sinks.Endpoint(scratch, row(**store)) as endpoint:
        for _ in range(ROUNDS):
            for kind in kinds:
                run = upload(scratch, endpoint, data, f"upload.concurrency={kind}")
                rates[kind].append(run["uploaded"] / run["seconds"])
                if kind == "auto":
                    slots[:] = run["slots"]
    best = max((kind for kind in kinds if kind != "auto"), key=lambda kind: statistics.median(rates[kind]))
    shares = [a / b for a, b in zip(rates["auto"], rates[best])]
    return {"objects_per_s": {str(kind): round(statistics.median(values)) for kind, values in rates.items()}, "best_fixed": best,
            "auto_of_best": report.spread(shares)}


def latency(scratch, results):
    data = matrix.make_files(scratch / "latency", 10_000, 4096)
    return sweep(scratch, data, ["auto", 64, 256, 512, 1024, 2048], results.setdefault("latency_slots", []), latency="50ms")


def jitter(scratch, results):
    """Latencies that differ from request to request, as in real stores."""
    data = matrix.make_files(scratch / "jitter", 30_000, 4096)
    return sweep(scratch, data, ["auto", 64, 256, 512, 1024], results.setdefault("jitter_slots", []), latency="20ms", jitter=0.5)


def throttle(scratch, results):
    data = matrix.make_files(scratch / "throttle", 20_000, 4096)
    with sinks.Endpoint(scratch, row(serve=["--requests-per-second", "200"])) as endpoint:
        run = upload(scratch, endpoint, data)
    refused = endpoint.stats["slowed_down"]
    # Most refusals come in the first seconds. So their share of the whole run is an upper bound for the share after 30 s.
    return {"goodput_of_200": round(run["uploaded"] / run["seconds"] / 200, 3), "failed": run["failed"], "refused": refused,
            "refused_share_of_whole_run": round(refused / (refused + run["uploaded"]), 4)}


def outage(scratch, results):
    length, before, after = 60, 15, 15
    data = matrix.make_files(scratch / "outage", 80_000, 4096)
    endpoint = sinks.Endpoint(scratch, row(latency="200ms"))
    port = str(endpoint.port)
    made, second = {}, []

    def fail_and_return():
        time.sleep(before)
        journal = scratch / "run/journal.jsonl"
        made["before"] = journal.read_bytes().count(b'"uploaded"')
        endpoint.kill()
        # A listener that resets every connection counts the connections during the outage.
        counter = subprocess.Popen([sys.executable, "-c", RESETTER, port], stdout=subprocess.PIPE, text=True)
        time.sleep(length)
        counter.send_signal(signal.SIGTERM)
        made["connections_during"] = int(counter.communicate()[0])
        second.append(sinks.Endpoint(scratch, row(latency="200ms"), "--port", port))
        back = time.monotonic()
        made["at_return"] = journal.read_bytes().count(b'"uploaded"')
        for tick in range(1, after + 1):
            time.sleep(max(0, back + tick - time.monotonic()))
            made.setdefault("after", []).append(journal.read_bytes().count(b'"uploaded"'))

    driver = threading.Thread(target=fail_and_return)
    driver.start()
    run = upload(scratch, endpoint, data, "upload.concurrency=512")
    driver.join()
    second[0].__exit__()
    rate = made["before"] / before
    per_second = [b - a for a, b in zip([made["at_return"], *made["after"]], made["after"])]
    recovered = next((tick + 1 for tick, count in enumerate(per_second) if count >= 0.9 * rate), None)
    return {"failed": run["failed"], "uploaded": run["uploaded"], "rate_before": round(rate), "requests_per_s_during": round(made["connections_during"] / length, 2),
            "objects_per_s_after": per_second, "back_at_0.9_after_s": recovered}


RESETTER = """
import signal, socket, struct, sys
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen(4096)
count = 0
def end(*_):
    print(count, flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
while True:
    connection, _ = listener.accept()
    count += 1
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
"""


def hang(scratch, results):
    data = matrix.make_files(scratch / "hang", 20_000, 4096)
    faults = scratch / "faults.yaml"
    faults.write_text("faults: [{operation: PutObject, action: no_answer, attempts: 1, every: 200}]\n")
    ratios, injected = [], 0
    for _ in range(ROUNDS):
        seconds = {}
        for name, serve in (("clean", []), ("hang", ["--faults", str(faults)])):
            with sinks.Endpoint(scratch, row(latency="20ms", serve=serve)) as endpoint:
                run = upload(scratch, endpoint, data, "upload.concurrency=64")
            if run["failed"]:
                sys.exit(f"hang: {run}")
            seconds[name] = run["seconds"]
        injected += endpoint.stats["faults_injected"]
        ratios.append(seconds["hang"] / seconds["clean"])
    return {"of_the_clean_run": report.spread(ratios), "hung": injected}


def many(scratch, results):
    data = matrix.make_files(scratch / "many", 40_000, 4096)
    with sinks.Endpoint(scratch, row(latency="200ms")) as endpoint:
        run = upload(scratch, endpoint, data, "upload.concurrency=4096")
    in_flight = endpoint.stats["max_in_flight"]["PutObject"]
    return {"peak_mib": round(run["peak_bytes"] / (1 << 20), 1), "most_in_flight_at_the_endpoint": in_flight}


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    results = {"date": datetime.date.today().isoformat(), "machine": matrix.machine(tempfile.gettempdir())}
    kept = out / "results.json"
    if kept.exists():
        earlier = json.loads(kept.read_text())
        if all(earlier[name] == results[name] for name in results):
            results = earlier
    steps = {"1": latency, "2": throttle, "3": outage, "4": hang, "5": many, "6": jitter}
    with tempfile.TemporaryDirectory() as folder:
        for step in os.environ.get("STEPS", "1 2 3 4 5 6").split():
            results[steps[step].__name__] = steps[step](pathlib.Path(folder), results)
            print(steps[step].__name__, json.dumps(results[steps[step].__name__]), flush=True)
            kept.write_text(json.dumps(results, indent=1) + "\n")
    if "latency_slots" in results:
        points = "\n".join(f"{second} {count}" for second, count in results["latency_slots"])
        report.gnuplot(out, "slots", f"$data << EOD\n{points}\nEOD\nset title 'slots in circulation, 50 ms of latency'\nset xlabel 's'\n"
                       "set yrange [0:*]\nunset key\nplot $data using 1:2 with steps lw 2\n")
    print(kept)


if __name__ == "__main__":
    main()

"""Runs six kinds of uploads, and compares each estimate of the remaining time with the time that remained."""
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import matrix
import report
import sinks
from clients import path

MIB = 1 << 20
FAULTS = "faults: [{operation: PutObject, action: status, status: 400, code: InvalidArgument, every: 50, attempts: all}]\n"


def many_small(scratch):
    return matrix.make_files(scratch / "data", 30_000, 4096), {"latency": "20ms"}, ["upload.concurrency=16"]


def few_large(scratch):
    return matrix.make_files(scratch / "data", 8, 128 * MIB), {}, ["limits.bandwidth=32MiB"]


def mixed_with_failures(scratch):
    """Sizes as in a home directory (log-normal, median 16 KiB), up to 64 MiB; 1 of 50 files fails."""
    sizes = random.Random(23)
    block = os.urandom(64 * MIB)
    for i in range(6000):
        directory = scratch / f"data/{i % 12}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{i:05}").write_bytes(block[:int(min(sizes.lognormvariate(math.log(16384), 2.5), len(block)))])
    (scratch / "faults.yaml").write_text(FAULTS)
    store = {"latency": "50ms", "serve": ["--faults", str(scratch / "faults.yaml")]}
    return scratch / "data", store, ["upload.concurrency=16", "limits.bandwidth=100MiB"]


def large_first(scratch):
    """The small files begin after about half of the time, if the file system lists the directory `large` first."""
    matrix.make_files(scratch / "data/small", 4000, 4096)
    matrix.make_files(scratch / "data/large", 40, 16 * MIB)
    return scratch / "data", {"latency": "50ms"}, ["upload.concurrency=16", "limits.bandwidth=40MiB"]


def sizes_by_directory(scratch):
    """Each directory has one size, as the outputs of a simulation do; 1 of 50 requests for a whole object fails."""
    for i in range(8):
        matrix.make_files(scratch / f"data/logs-{i}", 500, 1024 << i)
    for i in range(4):
        matrix.make_files(scratch / f"data/fields-{i}", 5, 32 * MIB)
    (scratch / "faults.yaml").write_text(FAULTS)
    store = {"latency": "50ms", "serve": ["--faults", str(scratch / "faults.yaml")]}
    return scratch / "data", store, ["upload.concurrency=16", "limits.bandwidth=40MiB"]


def slow_store(scratch):
    """Responses take 60 ms in the median, some of them half a second; the store allows 400 requests a second."""
    return matrix.make_files(scratch / "data", 12_000, 16_384), {"latency": "60ms", "jitter": 0.7, "serve": ["--requests-per-second", "400"]}, []


def estimates(argv, environment):
    """Runs the command. Returns its duration, and (seconds since the start, estimate, is a minimum) for each progress line."""
    began = time.monotonic()
    lines = []
    with subprocess.Popen(argv, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("{") and (event := json.loads(line)).get("event") == "progress":
                lines.append((time.monotonic() - began, event.get("seconds_left"), not event["all_found"] and not event["expected"]))
    if process.returncode not in (0, 1):
        sys.exit(f"{argv}: exit status {process.returncode}")
    return time.monotonic() - began, lines


def measured(scratch, make):
    data, store, settings = make(scratch)
    with sinks.Endpoint(scratch, {**matrix.DEFAULTS, **store}) as endpoint:
        job = scratch / "job.yaml"
        job.write_text(f"source: [{{path: {data}}}]\ndestination: {{bucket: bench, endpoint: '{endpoint.url}'}}\n"
                       "report: {progress: json, progress_interval: 500ms}\n")
        options = [part for setting in settings for part in ("--set", setting)]
        total, lines = estimates([path("s3flow"), "run", str(job), "--run-dir", str(scratch / "run"), *options], sinks.ENVIRONMENT)
    points = [{"seconds": t, "left": left, "is_minimum": minimum, "error": (t + left - total) / total}
              for t, left, minimum in lines if left is not None]
    late = [point for point in points if point["seconds"] >= total / 4]
    if not late:
        sys.exit(f"{make.__name__}: no estimate in {len(lines)} lines")
    return {"seconds": total, "points": points, "largest_error": max(abs(point["error"]) for point in late),
            "minimum_after_quarter": sum(point["is_minimum"] for point in late)}


def write(results, out):
    lines = ["# The estimate of the remaining time", "",
             "Error: the estimated end of the run less its true end, as a share of the run's whole time; from a quarter of the run on.", "",
             "| run | seconds | largest error | estimates that were only a minimum |", "|---|---|---|---|"]
    for name, run in results.items():
        lines.append(f"| {name.replace('_', ' ')} | {run['seconds']:.1f} | {100 * run['largest_error']:.1f} % | {run['minimum_after_quarter']} |")
    data = "".join(f"${name} << EOD\n" + "\n".join(f"{100 * p['seconds'] / run['seconds']} {100 * p['error']}" for p in run["points"]) + "\nEOD\n"
                   for name, run in results.items())
    plots = ", ".join(f"${name} using 1:2 with lines lw 2 title '{name.replace('_', ' ')}'" for name in results)
    lines += ["", *report.gnuplot(out, "eta", f"{data}set xlabel 'share of the run, %'\nset ylabel 'error of the estimated end, %'\n"
                                  f"set yrange [-60:60]\nset grid\nset arrow from 25,-60 to 25,60 nohead dt 2\nplot 20 dt 3 lc 0 notitle, -20 dt 3 lc 0 notitle, {plots}\n")]
    (out / "eta.json").write_text(json.dumps(results) + "\n")
    (out / "eta.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    results = {}
    for make in (many_small, few_large, mixed_with_failures, slow_store, large_first, sizes_by_directory):
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="s3flow-eta-"))
        try:
            results[make.__name__] = measured(scratch, make)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    write(results, out)


if __name__ == "__main__":
    main()

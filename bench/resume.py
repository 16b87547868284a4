"""Runs the steps of bench/resume and writes their results."""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from memory import ENVIRONMENT, MIB, S3FLOW, Endpoint


def make_files(directory, count):
    old = time.time() - 3600
    for i in range(count):
        folder = directory / f"data/{i // 1000}"
        if i % 1000 == 0:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / str(i)).write_bytes(b"%d" % i)
        os.utime(folder / str(i), (old, old))


def s3flow(directory, endpoint, run_dir, *arguments, expected=0):
    job = directory / "job.yaml"
    job.write_text(f"source: [{{path: {directory / 'data'}}}]\ndestination: {{bucket: bench, endpoint: '{endpoint}'}}\nreport: {{progress: none}}\n")
    ended = subprocess.run([S3FLOW, "run", str(job), "--run-dir", str(directory / run_dir), *arguments], env=ENVIRONMENT, capture_output=True, text=True)
    if ended.returncode != expected:
        sys.exit(f"{run_dir} {arguments}: exit {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def step_1(results):
    many = int(os.environ.get("MANY", "1000000"))
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        make_files(directory, many)
        with Endpoint(directory / "nothing", "--discard") as endpoint:
            s3flow(directory, endpoint.url, "run")
            journal = directory / "run/journal.jsonl"
            size = journal.stat().st_size
            os.truncate(journal, size - 100_000)  # some hundred results, and the record of the end
            trace = directory / "trace"
            began = datetime.datetime.now(datetime.timezone.utc)
            s3flow(directory, endpoint.url, "run", "--trace-http", str(trace))
            wall = (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds()
        with open(trace) as lines:
            first = next(line for line in lines if " > PUT " in line).split(" ")[0]
        summary = json.loads((directory / "run/summary.json").read_text())
        results.append({"what": "go on", "results_before": summary["settled_before"], "journal_mib": round(size / MIB, 1),
                        "uploaded_now": summary["uploaded"] - summary["settled_before"],
                        "first_upload_s": round((datetime.datetime.fromisoformat(first.replace("Z", "+00:00")) - began).total_seconds(), 2),
                        "wall_s": round(wall, 2), "peak_mib": round(summary["peak_memory_bytes"] / MIB, 1)})
        print(json.dumps(results[-1]), flush=True)


def step_2(results):
    there = int(os.environ.get("THERE", "100000"))
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        make_files(directory, there)
        with Endpoint(directory / "store") as endpoint:
            s3flow(directory, endpoint.url, "run")
            port = ["--port", endpoint.url.rsplit(":", 1)[1]]  # the same endpoint, so that the job stays the same
        for mode in ("journal", "size_mtime", "checksum", "if_none_match"):
            run_dir = "run" if mode == "journal" else f"run-{mode}"
            skip = ["--set", f"resume.skip={mode}"]
            with Endpoint(directory / "store", *port) as endpoint:
                text = s3flow(directory, endpoint.url, run_dir, *skip, "--dry-run")
            planned = {operation: int(count) for operation, count in re.findall(r"requests, (\w+): (\d+)", text)}
            with Endpoint(directory / "store", *port) as endpoint:
                began = time.monotonic()
                s3flow(directory, endpoint.url, run_dir, *skip)
                wall = time.monotonic() - began
            summary = json.loads((directory / run_dir / "summary.json").read_text())
            made = dict(endpoint.stats["requests"])
            if mode == "if_none_match":  # the dry run gives no number, because it does not know which keys exist
                planned["HeadObject"] = there
            results.append({"what": f"skip {mode}", "there": there, "planned": planned, "made": made, "skipped": summary["skipped"],
                            "settled_before": summary["settled_before"], "wall_s": round(wall, 2),
                            "peak_mib": round(summary["peak_memory_bytes"] / MIB, 1)})
            print(json.dumps(results[-1]), flush=True)
            if planned != made or summary["uploaded"] != (there if mode == "journal" else 0):
                sys.exit(f"{mode}: planned {planned}, made {made}, uploaded {summary['uploaded']}")


def main():
    results = []
    for step in os.environ.get("STEPS", "1 2").split():
        {"1": step_1, "2": step_2}[step](results)
    out = pathlib.Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": os.uname().release, "cores": os.cpu_count(), "runs": results}, indent=2) + "\n")
    print(out)


if __name__ == "__main__":
    main()

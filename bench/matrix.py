"""Runs a matrix for bench/run: makes its files, runs every client and floor in turn, and writes the results."""
import datetime
import itertools
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

import clients
import floors
import measure
import report
import sinks

UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
DEFAULTS = {"files": 1000, "size": "4KiB", "concurrency": 64, "part_size": "16MiB", "payload": "sha256", "checksum": "none", "tls": False,
            "latency": "0ms", "jitter": 0, "sink": "nginx", "sink_workers": 1, "tuned": True, "set": [], "serve": [], "clients": ["s3flow"], "floors": [], "sample": {}}
AXES = ("size", "concurrency", "part_size", "payload", "checksum", "tls", "latency", "sink_workers")


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)([KMGT]iB)?", str(text)).groups()
    return int(number) * UNITS[unit or ""]


def rows_of(matrix):
    """Yields one row for every combination of the axes that a row gives as lists."""
    for given in matrix["rows"]:
        unknown = set(given) - set(DEFAULTS) - {"name"}
        if unknown:
            sys.exit(f"{given.get('name')}: unknown keys of a row: {', '.join(sorted(unknown))}")
        row = {**DEFAULTS, **given}
        lists = [axis for axis in AXES if isinstance(row[axis], list)]
        for values in itertools.product(*(row[axis] for axis in lists)):
            chosen = dict(zip(lists, values))
            label = ", ".join(f"{axis} {value}" for axis, value in chosen.items())
            one = {**row, **chosen, "name": f"{row['name']}, {label}" if label else row["name"]}
            one["bytes"], one["part_bytes"] = bytes_of(one["size"]), bytes_of(one["part_size"])
            yield one


def make_files(folder, count, size):
    """Makes `count` files that cannot be compressed and differ from each other."""
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    block = os.urandom(1 << 20)
    for number in range(count):
        with open(folder / f"{number:07}", "wb") as file:
            lead = number.to_bytes(8, "little")
            for offset in range(0, size, len(block)):
                file.write((lead + block[len(lead):size - offset])[:size - offset])
    os.sync()  # so that no write-back during a run slows a client down
    return folder


def run_client(name, row, sink, scratch):
    count = min(row["sample"].get(name, row["files"]), row["files"])
    data = make_files(scratch / f"data-{count}-{row['bytes']}", count, row["bytes"])
    own = scratch / name
    own.mkdir(exist_ok=True)
    argv, extra = clients.ALL[name](row, data, sink.url, own)
    sink_before = sink.cpu_s()
    measured = measure.command([str(part) for part in argv], {**sinks.ENVIRONMENT, **extra}, own / "output")
    measured |= {"objects": count, "bytes": count * row["bytes"], "sink_cpu_s": sink.cpu_s() - sink_before}
    if name in clients.OURS:
        summary = json.loads((own / "run/summary.json").read_text())
        if summary["uploaded"] != count:
            raise RuntimeError(f"{name} uploaded {summary['uploaded']} of {count}")
        measured |= {"peak_bytes": summary["peak_memory_bytes"], "retries": summary["retries"], "slots": summary.get("slots", [])}
    return measured


def run_row(row, rounds, scratch):
    wanted = os.environ.get("CLIENTS", " ".join(row["clients"])).split()
    found = [name for name in row["clients"] if name in wanted and clients.path(name)]
    row["data"] = str(make_files(scratch / f"data-{row['files']}-{row['bytes']}", row["files"], row["bytes"]))
    runs = []
    with tempfile.TemporaryDirectory(dir=scratch) as folder, sinks.ALL[row["sink"]](pathlib.Path(folder), row) as sink:
        for number in range(rounds):
            for name in [*found, *row["floors"], "noise"]:
                is_client = name in clients.ALL
                measured = run_client(name, row, sink, scratch) if is_client else floors.ALL[name](row, sink)
                runs.append({"round": number, "who": name, "client": is_client, **measured})
                print(f"{row['name']} | {number + 1}/{rounds} | {name}: {measured['wall_s']:.2f} s, CPU {measured['cpu_s']:.2f} s", flush=True)
    row.pop("data")
    return {"row": row, "versions": {name: clients.version(name) for name in found}, "runs": runs}


def machine(scratch):
    file_system = subprocess.run(["df", "--output=fstype", scratch], check=True, capture_output=True, text=True).stdout.split()[-1]
    with open("/proc/cpuinfo") as text:
        model = re.search(r"model name\s*: (.*)", text.read())
    return {"cores": os.cpu_count(), "cpu": model.group(1) if model else platform.machine(), "kernel": platform.release(), "data_on": file_system}


def main():
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    matrix = yaml.safe_load(source.read_text())
    rounds = int(os.environ.get("ROUNDS", matrix.get("rounds", 5)))
    out.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = os.environ.get("TMPDIR", matrix.get("data_dir", "/dev/shm"))
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="s3flow-bench-"))
    results = {"matrix": source.stem, "title": matrix["title"], "date": datetime.date.today().isoformat(), "machine": machine(scratch),
               "rounds": rounds, "rows": []}
    os.chmod(scratch, 0o755)
    try:
        for row in rows_of(matrix):
            results["rows"].append(run_row(row, rounds, scratch))
            (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report.write(results, out)
    print(out / "results.md")


if __name__ == "__main__":
    main()

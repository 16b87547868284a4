"""Runs the steps of bench/memory: starts endpoints, makes files, runs s3flow, writes the results."""
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
S3FLOW = os.environ.get("S3FLOW", str(TOP / "build/release/s3flow"))
MIB = 1 << 20
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret"}
ENVIRONMENT = {**{k: v for k, v in os.environ.items() if not k.startswith("AWS_") and "proxy" not in k.lower()}, **KEYS}


def parse_size(name, default):
    text = os.environ.get(name, default)
    number, unit = re.fullmatch(r"(\d+)([KMGT]iB)?", text).groups()
    return int(number) * 1024 ** {None: 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4}[unit]


class Endpoint:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([S3FLOW, "serve", *map(str, arguments), "--bucket", "bench"],
                                        stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.url = re.search(r"http://\S+:\d+", self.process.stdout.readline()).group()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate()
        self.stats = json.loads(out.splitlines()[-1])


def run(directory, name, endpoint, settings=()):
    job = directory / "job.yaml"
    job.write_text(f"source: [{{path: {directory / 'data'}}}]\ndestination: {{bucket: bench, endpoint: '{endpoint}'}}\n")
    run_dir = directory / f"run-{name}"
    options = [part for setting in ("report.progress=none", *settings) for part in ("--set", setting)]
    began = os.times()
    clock = time.monotonic()
    ended = subprocess.run([S3FLOW, "run", str(job), "--run-dir", str(run_dir), *options], env=ENVIRONMENT, capture_output=True, text=True)
    used = os.times()
    if ended.returncode != 0:
        sys.exit(f"{name}: exit {ended.returncode}\n{ended.stdout}{ended.stderr}")
    summary = json.loads((run_dir / "summary.json").read_text())
    measured = {"run": name, "settings": list(settings), "uploaded": summary["uploaded"], "bytes": summary["uploaded_bytes"],
                "wall_s": round(time.monotonic() - clock, 2),
                "cpu_s": round(used.children_user + used.children_system - began.children_user - began.children_system, 2),
                "peak_mib": round(summary["peak_memory_bytes"] / MIB, 1)}
    print(json.dumps(measured), flush=True)
    return measured


def write_file(path, size):
    block = os.urandom(MIB)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        for i in range(-(-size // MIB)):
            file.write((i.to_bytes(8, "little") + block[8:])[:size - i * MIB])


def digest_of(stream):
    digest = hashlib.sha256()
    while piece := stream.read(MIB):
        digest.update(piece)
    return digest.hexdigest()


def read_back(directory, store):
    """Compares every object of the endpoint's directory with its file; returns how many are equal."""
    import base64
    equal = 0
    for meta in (store / "bench").glob("*.meta"):
        described = json.loads(meta.read_text())
        digest = hashlib.sha256()
        for name, _ in described["data"]:
            with open(store / "bench" / name, "rb") as piece:
                while block := piece.read(MIB):
                    digest.update(block)
        file = directory / "data" / os.fsdecode(base64.b64decode(described["key"]))
        with open(file, "rb") as source:
            if digest_of(source) != digest.hexdigest():
                sys.exit(f"{file}: differs in the store")
        equal += 1
    return equal


def step_1(results):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        size = parse_size("SIZE", "2GiB")
        for i in range(3):
            write_file(directory / f"data/large{i}", size + i)
        for i in range(5000):
            write_file(directory / f"data/small/{i}", 4096)
        with Endpoint(directory / "store") as endpoint:
            measured = run(directory, "mixed", endpoint.url, ["limits.memory=64MiB", "upload.concurrency=64"])
        measured["read_back_equal"] = read_back(directory, directory / "store")
        measured["limit_mib"] = 64 + 32
        results.append(measured)


def step_2(results):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        made = 0
        for many in (10_000, int(os.environ.get("MANY", "1000000"))):
            for made in range(made, many):
                folder = directory / f"data/{made // 1000}"
                if made % 1000 == 0:
                    folder.mkdir(parents=True, exist_ok=True)
                (folder / str(made)).write_bytes(b"x" * (made % 3))
            made = many
            with Endpoint(directory / "nothing", "--discard") as endpoint:
                results.append(run(directory, f"tiny-{many}", endpoint.url))


def step_3(results):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "data").mkdir()
        with open(directory / "data/sparse", "wb") as file:
            file.truncate(parse_size("SPARSE", "50GiB"))
        with Endpoint(directory / "nothing", "--discard") as endpoint:
            measured = run(directory, "sparse", endpoint.url,
                           ["upload.part_size=5MiB", "upload.concurrency=16", "limits.memory=128MiB"])
        journal = next(record for record in map(json.loads, (directory / "run-sparse/journal.jsonl").read_text().splitlines())
                       if record["record"] == "result")
        measured["parts"] = journal["parts"]
        results.append(measured)


def step_4(results):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "data").mkdir()
        with open(directory / "data/sparse", "wb") as file:
            file.truncate(3 << 30)
        with Endpoint(directory / "nothing", "--discard") as endpoint:
            for part in (5, 16, 64, 256, 1024):
                results.append(run(directory, f"part-{part}", endpoint.url,
                                   [f"upload.part_size={part}MiB", "limits.memory=2560MiB", "upload.concurrency=4"]))


def step_5(results):
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        names = []
        for many in (10_000, int(os.environ.get("MANY", "1000000"))):
            for i in range(len(names), many):
                names.append(f"{i // 1000}/{i}")
                path = directory / "data" / names[-1]
                if i % 1000 == 0:
                    path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"x" * (i % 3))
            listed = directory / "names"
            listed.write_text("".join(f"{each}\0" for each in random.Random(1).sample(names, many)))
            with Endpoint(directory / "nothing", "--discard") as endpoint:
                results.append(run(directory, f"listed-{many}", endpoint.url, [f"source.0.files_from0={listed}"]))
            peaks.append(results[-1]["peak_mib"])
    if peaks[1] - peaks[0] > 16:
        sys.exit(f"a list of {many} names needs {peaks[1] - peaks[0]:.1f} MiB more than one of 10,000")


def main():
    results = []
    for step in os.environ.get("STEPS", "1 2 3 4 5").split():
        {"1": step_1, "2": step_2, "3": step_3, "4": step_4, "5": step_5}[step](results)
    out = pathlib.Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"machine": os.uname().release, "cores": os.cpu_count(), "runs": results}, indent=2) + "\n")
    print(out)


if __name__ == "__main__":
    main()

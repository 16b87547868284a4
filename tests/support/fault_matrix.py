"""Runs the cells of the fault matrix (tests/faults/table.py): for each a run of s3flow through a FaultProxy, with both
transports. The oracle is the store: its objects by SHA-256, its unfinished uploads; the journal, the summary and the exit
status must agree with it."""
import collections
import concurrent.futures
import dataclasses
import json
import pathlib
import random
import subprocess
import time

from faults import table
from support.fault_proxy import FaultProxy, Rule
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, clean_environment, read_journal, read_records, s3flow, sha256
from support.store_client import s3_client

TRANSPORTS = ("direct", "libcurl")
HANG_S = 100
JOB = """
source: [{{path: {data}}}]
destination: {{bucket: {bucket}, endpoint: "{endpoint}"}}
credentials: {{{credentials}}}
upload: {{transport: {transport}, concurrency: 1, part_size: 5MiB, multipart_threshold: 5MiB}}
retry: {{base_delay: 1ms, cap: 5ms, max_attempts: 6}}
report: {{progress: none, run_dir: {run}}}
{extra}
"""
HELD = table.Fault("hold")
LOST = table.FAULTS["carried out, then reset"]
REFUSED = table.status(400, "InvalidArgument")


@dataclasses.dataclass
class Scenario:
    """A job that sends an operation. `files`: key -> size; `setup`: rules that bring the run to the operation."""
    files: dict
    extra: str = ""
    operation: str = ""           # which gets the fault; empty: the row's name
    setup: tuple = ()             # (operation, fault, times, skip)
    skip: int = 0                 # how many requests of the operation pass before the fault
    exit: int = 0
    outcomes: dict = dataclasses.field(default_factory=dict)  # where they are not "uploaded"
    kind: str = ""                # of the failed input's error
    stored: tuple = ()            # keys that the store has before
    alike: bool = False           # the files differ in nothing but their content
    killed: bool = False          # a first session was killed while it sent its second part


SCENARIOS = {
    "CreateMultipartUpload": Scenario({"large": 6 << 20}),
    "UploadPart": Scenario({"large": 6 << 20}),
    "CompleteMultipartUpload": Scenario({"large": 6 << 20}),
    "AbortMultipartUpload": Scenario({"large": 6 << 20}, setup=("UploadPart", REFUSED, 1, 1), exit=1, outcomes={"large": "failed"}, kind="permanent"),
    "PutObject": Scenario({"one": 300_000, "two": 300_000}, skip=1, alike=True),
    "ListParts": Scenario({"large": 6 << 20}, killed=True),
    "HeadObject": Scenario({"one": 5000, "two": 5000}, "integrity: {verify: head}", alike=True),
    "ListObjectsV2": Scenario({"kept": 5000, "new": 5000}, "resume: {skip: checksum}", outcomes={"kept": "skipped"}, stored=("kept",)),
    "HeadObject after a lost completion": Scenario({"large": 6 << 20}, operation="HeadObject", setup=("CompleteMultipartUpload", LOST)),
    "HeadObject before a conditional write": Scenario({"one": 5000, "two": 5000}, "object: {if_none_match: true}", operation="HeadObject",
                                                      alike=True),
    "ListParts after an abort": Scenario({"large": 6 << 20}, operation="ListParts", setup=("UploadPart", REFUSED, 1, 1), exit=1,
                                         outcomes={"large": "failed"}, kind="permanent"),
}


@dataclasses.dataclass
class Result:
    """What was seen of one cell with one transport."""
    row: str
    fault: str
    transport: str
    wrong: list
    injected: int = 0
    hung: bool = False
    false_success: bool = False
    seen: tuple = ()  # exit status, outcomes, kind, number of objects and of orphans: the same for both transports

    @property
    def name(self):
        return f"{self.row} x {self.fault}, {self.transport}"


class Matrix:
    """The endpoint, the proxy and the data that all cells share; a context manager."""

    def __init__(self, directory, seed):
        self.dir = pathlib.Path(directory)
        chances = random.Random(seed)
        self.data = {}
        for row, scenario in SCENARIOS.items():
            for key, size in scenario.files.items():
                content = chances.randbytes(size)
                path = self.dir / "data" / row / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self.data[row, key] = sha256(content)
        program = self.dir / "keys"
        program.write_text(f"#!/bin/sh\nprintf '{{\"Version\": 1, \"AccessKeyId\": \"{KEY_ID}\", \"SecretAccessKey\": \"{SECRET}\", "
                           "\"SessionToken\": \"'; date +%N | tr -d '\\n'; printf '\", \"Expiration\": \"2099-01-01T00:00:00Z\"}'\n")
        program.chmod(0o755)
        (self.dir / "aws").write_text(f"[profile renewed]\ncredential_process = {program}\n")

    def __enter__(self):
        self.server = Serve(self.dir / "store").__enter__()
        self.proxy = FaultProxy(self.server.endpoint).__enter__()
        self.client = s3_client(self.server.endpoint)
        return self

    def __exit__(self, *exception):
        self.client.close()
        self.proxy.__exit__()
        self.server.__exit__()

    def run(self, cells, workers):
        """Yields a Result for each cell and transport. `cells`: pairs of row and fault."""
        jobs = [(number, *cell, transport) for number, cell in enumerate(cells) for transport in TRANSPORTS]
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            yield from pool.map(lambda job: Cell(self, *job).run(), jobs)


def print_rows(results):
    """Prints a line for each row, and a summary. Returns what is wrong."""
    rows = collections.defaultdict(list)
    for result in results:
        rows[result.row].append(result)
    for row, of_row in rows.items():
        print(f"{row}: {len(of_row)} runs, {sum(r.injected for r in of_row)} faults injected, {sum(bool(r.wrong) for r in of_row)} not as expected")
    wrong = [f"{result.name}: {text}" for result in results for text in result.wrong]
    seen = collections.defaultdict(set)
    for result in results:
        seen[result.row, result.fault].add(result.seen)
    different = [f"{row} x {fault}: the transports differ: {ends}" for (row, fault), ends in seen.items() if len(ends) > 1]
    silent = [result.name for result in results if result.injected == 0]
    print(f"{len(seen)} cells with {len(TRANSPORTS)} transports, {sum(r.injected for r in results)} faults injected, {len(silent)} runs without a fault, "
          f"{sum(r.hung for r in results)} hangs, {sum(r.false_success for r in results)} false successes, {len(different)} differences between transports; "
          f"{len(table.SENSELESS)} pairs make no cell (tests/faults/table.py says why)", flush=True)
    return wrong + different


def run_matrix(directory, cells, seed, workers=3):
    """Runs the cells and prints a line for each row. Returns what is wrong."""
    with Matrix(directory, seed) as matrix:
        results = list(matrix.run(cells, workers))
        wrong = print_rows(results)
        return wrong + [f"the proxy: {error}" for error in matrix.proxy.errors]


class Cell:
    def __init__(self, matrix, number, row, fault, transport):
        self.matrix, self.scenario = matrix, SCENARIOS[row]
        self.fault, self.end = table.FAULTS[fault], table.end_of(row, fault)
        self.result = Result(row, fault, transport, [])
        self.bucket = f"cell-{number}-{transport}"
        self.run_dir = matrix.dir / self.bucket
        self.job = matrix.dir / f"{self.bucket}.yaml"
        self.data = {key: matrix.data[row, key] for key in self.scenario.files}

    def check(self, good, text):
        if not good:
            self.result.wrong.append(text)

    def run(self):
        client, proxy = self.matrix.client, self.matrix.proxy
        client.create_bucket(Bucket=self.bucket)
        self.write_job()
        try:
            for key in self.scenario.stored:
                client.upload_file(str(self.source / key), self.bucket, key)
            if self.scenario.killed:
                self.kill_first_session()
            times = self.end.times or self.fault.times
            rule = Rule(self.scenario.operation or self.result.row, self.fault, times, self.scenario.skip)
            setup = [Rule(*self.scenario.setup)] if self.scenario.setup else []
            proxy.rules[self.bucket] = setup + [rule]
            ended = self.s3flow("run", self.job)
            proxy.rules[self.bucket] = []
            self.result.injected = rule.injected
            self.check(rule.injected == times, f"the fault was injected {rule.injected} times, not {times}")
            self.check_end(ended)
        except subprocess.TimeoutExpired:
            self.result.hung = True
            self.check(False, f"the run did not end within {HANG_S} s")
        finally:
            self.clear()
        return self.result

    @property
    def source(self):
        return self.matrix.dir / "data" / self.result.row

    def write_job(self):
        keys = "profile: renewed" if self.fault.new_keys else f"access_key_id: {KEY_ID}, secret_access_key: {SECRET}"
        self.job.write_text(JOB.format(data=self.source, bucket=self.bucket, endpoint=self.matrix.proxy.endpoint, credentials=keys,
                                       transport=self.result.transport, run=self.run_dir, extra=self.scenario.extra))

    def environment(self):
        return {"AWS_CONFIG_FILE": str(self.matrix.dir / "aws")} if self.fault.new_keys else {}

    def s3flow(self, *arguments):
        return s3flow(*arguments, timeout=HANG_S, **self.environment())

    def kill_first_session(self):
        """Kills a session that has recorded its first part, and whose second part gets no response."""
        self.matrix.proxy.rules[self.bucket] = [Rule("UploadPart", HELD, 1, 1)]
        process = subprocess.Popen([S3FLOW, "run", str(self.job)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=clean_environment(**self.environment()))
        deadline = time.monotonic() + HANG_S
        while not ((self.run_dir / "journal.jsonl").exists() and any(r["record"] == "part" for r in read_records(self.run_dir))):
            if process.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        self.check(process.poll() is None, "the first session ended before it was killed")
        process.kill()
        process.wait()

    def check_end(self, ended):
        outcomes, kinds = self.read_outcomes()
        stored, orphans = self.read_store()
        kind = ",".join(sorted(kinds))
        self.result.seen = (ended.returncode, tuple(sorted(outcomes.values())), kind, len(stored), len(orphans))
        said = f"{ended.stderr[-1500:]}\n  seen: {self.result.seen}"
        self.check_truth(outcomes, stored)
        expected = {**{key: "uploaded" for key in self.data}, **self.scenario.outcomes, **(self.end.outcomes or {})}
        expected = {} if self.end.no_journal else expected
        exit_status = self.scenario.exit if self.end.exit is None else self.end.exit
        self.check(ended.returncode == exit_status, f"exit status {ended.returncode}, not {exit_status}: {said}")
        # Files that are alike may be uploaded in any order, so the fault may concern each of them.
        same = sorted(outcomes.values()) == sorted(expected.values()) if self.scenario.alike else outcomes == expected
        self.check(same, f"the journal has {outcomes}, not {expected}: {said}")
        self.check(kind == (self.end.kind or self.scenario.kind), f"the error is of kind {kind}: {said}")
        self.check_failed(outcomes, stored)
        if self.end.orphan:
            self.check(orphans, f"no upload is left, but the table expects one: {said}")
            cleaned = self.s3flow("clean", self.run_dir)
            self.check(cleaned.returncode == 0, f"clean ended with {cleaned.returncode}: {cleaned.stderr}")
            orphans = self.read_store()[1]
        self.check(not orphans, f"{len(orphans)} uploads are left in the store: {said}")

    def check_failed(self, outcomes, stored):
        """A failed input has no object, but where the table says that the store has it after all."""
        for key, outcome in outcomes.items():
            if outcome == "failed":
                self.check((key in stored) == self.end.stored, f"{key} failed, and the store has {'its object' if key in stored else 'nothing'}")

    def check_truth(self, outcomes, stored):
        """Checks what is true in every cell, whatever the table says."""
        for key, outcome in outcomes.items():
            if outcome in ("uploaded", "skipped") and stored.get(key) != self.data[key]:
                self.result.false_success = True
                self.check(False, f"{key} is reported as {outcome}, and the store has {'other content' if key in stored else 'nothing'}")
        for key, digest in stored.items():
            self.check(digest == self.data.get(key), f"the store has wrong content under {key}")
        summary = json.loads((self.run_dir / "summary.json").read_text())
        counts = collections.Counter(outcomes.values())
        for name in ("uploaded", "skipped", "failed", "cancelled"):
            self.check(summary.get(name, 0) == counts[name], f"summary.json says {summary.get(name)} {name}, the journal {counts[name]}")

    def read_outcomes(self):
        outcomes, kinds = {}, set()
        for record in read_journal(self.run_dir):
            self.check(record["key"] not in outcomes, f"{record['key']} has two results")
            outcomes[record["key"]] = record["outcome"]
            if "kind" in record:
                kinds.add(record["kind"])
        return outcomes, kinds

    def read_store(self):
        client = self.matrix.client
        stored = {o["Key"]: sha256(client.get_object(Bucket=self.bucket, Key=o["Key"])["Body"].read())
                  for o in client.list_objects_v2(Bucket=self.bucket).get("Contents", [])}
        return stored, client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def clear(self):
        """Frees the disk: the data of all cells together would be gigabytes."""
        client = self.matrix.client
        for o in client.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            client.delete_object(Bucket=self.bucket, Key=o["Key"])
        for upload in client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", []):
            client.abort_multipart_upload(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"])

"""`s3flow report`: merged results in every format, compared with the store, the journals and other programs."""
import csv
import errno
import html.parser
import io
import json
import os
import pty
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, Serve, TestCase, clean_environment, read_journal, s3flow, sha256
from support.hostile import sealed
from support.store_client import s3_client

ODD_NAMES = [b"plain", b"with space", b" lead", b"-dash", b"new\nline", b"back\\slash", b"carriage\rreturn", b"both\\\n\r", b"quote\"'",
             b"comma,semi;", b"100%0A", "ü世".encode(), b"<script>alert(1)</script>", b"=1+1", b"deep/er/file"]
DENIED = "faults: [{operation: PutObject, key: %s, action: status, status: 403, code: AccessDenied, attempts: all}]"
PART = 5 << 20
SHIM = os.environ["S3FLOW_IO_FAULTS"]


def until(condition):
    """Waits until the condition is true. The test's time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.02)


class Page(html.parser.HTMLParser):
    """Collects the elements of a page, its text, and what is not closed."""
    VOID = {"meta", "br", "link", "img"}

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text, self.wrong = [], [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


class ReportCase(TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = self.dir / "run"

    def report(self, *arguments, status=0):
        """Returns the output of `s3flow report` as bytes."""
        ended = subprocess.run([S3FLOW, "report", *map(str, arguments)], capture_output=True, timeout=120, env=clean_environment())
        self.said = ended.stderr.decode()
        self.assertEqual(ended.returncode, status, self.said)
        return ended.stdout

    def rows(self, *arguments):
        text = self.report(*arguments, "--format", "csv").decode("utf-8", "surrogateescape")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def json(self, *arguments):
        return json.loads(self.report(*arguments, "--format", "json"))

    def page(self, *arguments):
        text = self.report(*arguments, "--format", "html").decode()
        page = Page(text)
        self.assertEqual((page.wrong, page.open), ([], []))
        self.assertEqual({tag for tag, _ in page.elements} & {"script", "img", "link", "iframe", "object", "a", "base"}, set())
        for _, attributes in page.elements:
            for name, value in attributes.items():
                self.assertFalse(name.startswith("on") or name in ("src", "href"), (name, value))
        self.assertNotIn("url(", text)
        return page

    def write_odd_files(self):
        self.data = {}
        for name in ODD_NAMES:
            path = os.path.join(os.fsencode(self.dir / "data"), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(b"content of " + name)
            self.data[name] = b"content of " + name

    def start(self, *arguments):
        process = subprocess.Popen([S3FLOW, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process


class OneRun(ReportCase):
    def test_csv_agrees_with_store_and_journal(self):
        self.write_odd_files()
        os.symlink("plain", self.dir / "data/link")
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", DENIED % "plain")) as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 1)
            client = s3_client(server.endpoint)
            self.addCleanup(client.close)
            stored = {o["Key"]: o["Size"] for o in client.list_objects_v2(Bucket="bucket", EncodingType="url")["Contents"]}
        rows = self.rows(self.run_dir)
        self.assertEqual(len(rows), len(ODD_NAMES) + 1)
        self.assertEqual(sorted((r["path"], r["status"]) for r in rows), sorted((r["path"], r["outcome"]) for r in read_journal(self.run_dir)))
        uploaded = {os.fsencode(row["key"]): row for row in rows if row["status"] == "uploaded"}
        self.assertEqual({key: int(row["size_bytes"]) for key, row in uploaded.items()}, {k: len(v) for k, v in self.data.items() if k != b"plain"})
        self.assertEqual(len(stored), len(uploaded))
        for key, row in uploaded.items():
            self.assertEqual(row["sha256"], sha256(self.data[key]))
        failed, = [row for row in rows if row["status"] == "failed"]
        self.assertEqual((failed["key"], failed["error_kind"], failed["code"], failed["http_status"]), ("plain", "access_denied", "AccessDenied", "403"))
        skipped, = [row for row in rows if row["status"] == "skipped"]
        self.assertIn("symbolic link", skipped["message"])

        merged, summary = self.json(self.run_dir), json.loads((self.run_dir / "summary.json").read_text())
        for key in ("found", "uploaded", "skipped", "failed", "cancelled", "uploaded_bytes", "failures_by_kind", "retries", "complete",
                    "started", "ended", "seconds", "host", "endpoint", "bucket", "job_file"):
            self.assertEqual(merged[key], summary[key], key)
        text = self.report(self.run_dir).decode()
        self.assertIn("FAILED: 1 input of 16\n", text)
        self.assertIn("permission denied by the store [AccessDenied]: 1 file", text)

    def test_sha256sum_accepts_its_list(self):
        self.write_odd_files()
        with Serve(self.dir / "store") as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 0)
        sums = self.dir / "sums"
        self.report(self.run_dir, "--format", "sha256sum", "--output", sums)
        checked = subprocess.run(["sha256sum", "--check", "--strict", sums], cwd=self.dir / "data", capture_output=True)
        self.assertEqual((checked.returncode, checked.stderr), (0, b""), checked.stdout)
        self.assertEqual(checked.stdout.count(b": OK\n"), len(ODD_NAMES))
        lines = self.report(self.run_dir, "--format", "bagit").splitlines()
        self.assertEqual(len(lines), len(ODD_NAMES))
        self.assertIn(sha256(b"content of new\nline").encode() + b"  data/new%0Aline", lines)
        self.assertIn(sha256(b"content of 100%0A").encode() + b"  data/100%250A", lines)

    def test_results_without_a_sha256_are_counted(self):
        self.write("data/small", "x")
        self.write("data/large", os.urandom(PART + 1))
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB}")
            self.assertEqual(s3flow("run", job).returncode, 0)
            self.assertEqual(self.report(self.run_dir, "--format", "sha256sum", status=1).decode(), f"{sha256(b'x')}  small\n")
            self.assertIn("1 uploaded input is not in the list: sent in parts", self.said)
            other = self.dir / "other"
            job = self.job(server.endpoint, extra="integrity: {payload: unsigned, checksum: crc32c}")
            self.assertEqual(s3flow("run", job, "--run-dir", other).returncode, 0)
        self.assertEqual(self.report(other, "--format", "sha256sum", status=1), b"")
        self.assertIn("2 uploaded inputs are not in the list: no SHA-256 was computed", self.said)

    def test_failed_paths_feed_other_programs(self):
        self.write_odd_files()
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", DENIED % "'*'")) as server:
            s3flow("run", self.job(server.endpoint))
        paths = self.report(self.run_dir, "--format", "failed", "-0").split(b"\0")
        self.assertEqual(paths.pop(), b"")
        self.assertEqual({os.path.relpath(path, os.fsencode(self.dir / "data")) for path in paths}, set(ODD_NAMES))
        lines = self.report(self.run_dir, "--format", "failed", status=1).split(b"\n")[:-1]
        self.assertEqual(len(lines), len(ODD_NAMES) - 2)
        self.assertIn("2 paths are not in the list, because of a newline: use -0", self.said)
        self.report(self.run_dir, "--format", "csv", "-0", status=64)

    def test_sessions_are_merged(self):
        for i in range(10):
            self.write(f"data/f{i}", "x" * 100)
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", DENIED % "f3")) as server:
            job = self.job(server.endpoint)
            self.assertEqual(s3flow("run", job).returncode, 1)
            self.assertEqual(self.json(self.run_dir)["failed"], 1)
            server.kill()
        port = server.endpoint.rsplit(":", 1)[1]
        with Serve(self.dir / "store", "--port", port):
            self.assertEqual(s3flow("run", job, "--resume").returncode, 0)
        self.assertEqual(len(read_journal(self.run_dir)), 11)
        rows = self.rows(self.run_dir)
        self.assertEqual((len(rows), {row["status"] for row in rows}), (10, {"uploaded"}))
        merged = self.json(self.run_dir)
        self.assertEqual((merged["failed"], merged["uploaded"], merged["session"], merged["state"]), (0, 10, 2, "finished"))
        self.assertEqual(self.report(self.run_dir, "--format", "failed"), b"")
        # The same run twice is one list of the same inputs.
        self.assertEqual(len(self.rows(self.run_dir, self.run_dir)), 10)

    def test_a_killed_run_and_a_running_one(self):
        for i in range(8):
            self.write(f"data/f{i}", "x")
        faults = self.write("faults.yaml", "faults: [{operation: PutObject, key: f7, action: delay, delay: 1h, attempts: 1}]")
        server = Serve(self.dir / "store", "--faults", faults).__enter__()
        self.addCleanup(server.kill)
        process = self.start("run", self.job(server.endpoint))
        until(lambda: (self.run_dir / "journal.jsonl").exists() and (self.run_dir / "journal.jsonl").read_bytes().count(b'"record":"result"') == 7)
        self.assertIn("RUNNING: the counts below are those so far\n7 found: 7 uploaded", self.report(self.run_dir).decode())
        self.assertIn("this run has not ended", self.said)
        self.assertIn("Running:", self.page(self.run_dir).text)
        process.kill()
        process.communicate()
        with open(self.run_dir / "journal.jsonl", "ab") as journal:
            journal.write(b'{"record":"resu')
        text = self.report(self.run_dir).decode()
        self.assertIn("KILLED before the end", text)
        self.assertIn("7 uploaded", text)
        self.assertIn("the last line of the journal is torn", self.said)
        self.assertEqual(len(self.rows(self.run_dir)), 7)
        self.assertIn("Killed before the end", self.page(self.run_dir).text)
        self.assertTrue((self.run_dir / "journal.jsonl").read_bytes().endswith(b"resu"), "a report changes nothing")


    def write_run(self, name, *records, **summary):
        run = {"record": "run", "session": 1, "version": "0.1.0", "job_file": "/j", "overrides": [], "kind": "run", "stores": ["http://s"],
               "bucket": "b", "objects": "", "settings": ""}
        self.write(f"{name}/journal.jsonl", "".join(sealed(**{**run, **record}) if record["record"] == "run" else sealed(**record)
                                                    for record in records))
        if summary:
            self.write(f"{name}/summary.json", json.dumps(summary))
        return self.dir / name

    def test_a_rehearsal(self):
        self.write("data/f", "x")
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint)
            self.assertEqual(s3flow("run", job).returncode, 0)
            rehearsal = self.dir / "rehearsal"
            self.assertEqual(s3flow("rehearse", job, "--run-dir", rehearsal).returncode, 0)
        self.assertTrue(self.report(rehearsal).startswith(b"REHEARSAL: nothing of it is in a store\n"))
        self.assertIn("Rehearsal: nothing of it is in a store", self.page(rehearsal).text)
        self.assertEqual((self.json(rehearsal)["rehearsal"], self.json(self.run_dir)["rehearsal"]), (True, False))
        for list_format in ("csv", "sha256sum", "bagit", "failed"):
            self.report(rehearsal, "--format", list_format)
            self.assertIn("note: this was a rehearsal", self.said)
        for list_format in ("text", "json", "html", "csv", "sha256sum", "bagit", "failed"):
            out = self.dir / "out"
            self.report(self.run_dir, rehearsal, "--format", list_format, "--output", out, status=66)
            self.assertIn(f"{rehearsal} is a rehearsal", self.said)
            self.assertFalse(out.exists())

    def test_a_damaged_status(self):
        self.write("data/f", "x")
        with Serve(self.dir / "store") as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 0)
        for content in (b"", b"\0" * 700, b'{"schema": 1'):
            self.write("run/status.json", content)
            self.assertIn(b"1 found: 1 uploaded", self.report(self.run_dir))
            self.assertIn("status.json", self.said)
            self.assertEqual(len(self.rows(self.run_dir)), 1)

    def test_runs_that_stopped_early(self):
        for status in (1, 74, 75, 77, 130):
            run = self.write_run(f"run{status}", {"record": "run"}, {"record": "end", "exit_status": status, "complete": False})
            self.assertTrue(self.report(run).startswith(b"STOPPED before the end: work is left\n"), status)
            self.assertIn("work is left", self.said)
            self.assertIn("Stopped before the end: work is left", self.page(run).text)
            self.assertEqual(self.json(run)["state"], "stopped")

    def test_facts_of_an_earlier_session_are_not_shown(self):
        result = {"record": "result", "outcome": "uploaded", "path": "/a", "key": "a", "size": 1000}
        summary = {"session": 1, "seconds": 1, "verdict": {"limit": "cpu", "text": "Limited by session one"}, "slot_seconds": {"cpu": 5},
                   "earlier_sessions": {"found": 77}, "this_session": {"uploaded": 1, "uploaded_bytes": 1000}}
        run = self.write_run("run", {"record": "run"}, result, {"record": "end", "exit_status": 75, "complete": False},
                             {"record": "run", "session": 2}, {**result, "path": "/b", "key": "b"}, **summary)
        text = self.report(run).decode()
        self.assertNotIn("Limited by session one", text)
        self.assertNotIn("earlier sessions", text)
        self.assertNotIn("/s", text)
        self.assertNotIn("Limited by session one", self.page(run).text)
        self.assertEqual(self.json(run)["slot_seconds"], {})
        run = self.write_run("run", {"record": "run"}, result, {"record": "end", "exit_status": 75, "complete": False},
                             {"record": "run", "session": 2}, {**result, "path": "/b", "key": "b"},
                             {"record": "end", "exit_status": 0, "complete": True}, **{**summary, "session": 2})
        text = self.report(run).decode()
        self.assertIn("Limited by session one", text)
        self.assertIn("1000 B in 1.00 s: 1000 B/s, 1 objects/s", text)
        self.assertIn("77 inputs done by earlier sessions", text)

    def test_names_of_several_sources(self):
        for name in ("one/f", "two/f"):
            self.write(name, name)
        runs = [self.dir / "run1", self.dir / "run2"]
        with Serve(self.dir / "store") as server:
            for run, source in zip(runs, ("one", "two")):
                self.assertEqual(s3flow("run", self.job(server.endpoint, source=source), "--run-dir", run).returncode, 0)
        sums = self.report(*runs, "--format", "sha256sum").decode()
        self.assertEqual(sums, "".join(f"{sha256(name.encode())}  {self.dir}/{name}\n" for name in ("one/f", "two/f")))
        self.assertEqual(self.report(*runs, "--format", "bagit").decode(), f"{sha256(b'two/f')}  data/f\n")
        self.assertIn("1 upload is not in the list: a later one has the same key", self.said)

    def test_an_unknown_field_costs_no_result(self):
        result = {"record": "result", "outcome": "uploaded", "path": "/a", "key": "a", "size": 1000}
        self.assertEqual(len(self.rows(self.write_run("run", {"record": "run"}, {**result, "new": {"etag": ["x"]}}))), 1)
        self.report(self.write_run("other", {"record": "run"}, {**result, "etag": ["x"]}), status=74)
        self.assertIn("damaged field", self.said)

    @unittest.skipIf(SANITIZE, "a sanitizer reserves terabytes of addresses")
    def test_a_hostile_summary_takes_little_memory(self):
        run = self.write_run("run", {"record": "run"}, {"record": "end", "exit_status": 0, "complete": True})
        for name in ("summary.json", "series.jsonl"):
            self.write(f"run/{name}", '{"a":' * (name == "summary.json") + "[" * (16 << 20))
        for list_format in ("csv", "html"):
            limited = ["prlimit", f"--as={512 << 20}", S3FLOW, "report", run, "--format", list_format]
            ended = subprocess.run(limited, capture_output=True, timeout=120, env=clean_environment())
            self.assertEqual(ended.returncode, 0, ended.stderr)


class Html(ReportCase):
    def test_hostile_names_and_messages(self):
        self.write_odd_files()
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", DENIED % "'<script>alert(1)</script>'")) as server:
            s3flow("run", self.job(server.endpoint))
        page = self.page(self.run_dir)
        # As text: a failed path, and one of the slowest objects.
        self.assertIn("data/<script>alert(1)</script>", page.text)
        self.assertIn("data/new\\x0aline", page.text)
        self.assertIn(f"1 of {len(ODD_NAMES)} inputs failed", page.text)

    def test_hostile_journal(self):
        attack = "\"'><script>alert(1)</script>\n\x1b[31m&<svg onload=x>"
        run = {"record": "run", "session": 1, "version": "0.1.0", "job_file": attack, "overrides": [attack], "kind": "run", "stores": [attack],
               "bucket": attack, "objects": attack, "shard": attack, "scheduler": {attack: attack}, "settings": attack}
        results = [{"record": "result", "outcome": outcome, "path": attack + outcome, "key": attack, "size": 2**63, "sha256": attack,
                    "crc32c_base64": attack, "etag": attack, "attempts": -5, "seconds": 1e308, "reason": attack, "kind": attack, "code": attack,
                    "message": attack, "request_id": attack} for outcome in ("uploaded", "failed", "skipped", "sent", attack)]
        self.write("run/journal.jsonl", sealed(**run) + "".join(sealed(**result) for result in results))
        self.write("run/summary.json", json.dumps({"host": attack, "started": attack, "verdict": {"text": attack}, "slots": [[attack]],
                                                   "slot_seconds": {attack: 1e308}, "latency": [{"operation": attack, "p50_ms": -1}]}))
        self.write("run/series.jsonl", json.dumps({"t": 1, "done": 5, "done_bytes": 1e300, "slots": {attack: 1}}) + "\n")
        page = self.page(self.run_dir)
        self.assertNotIn("\x1b", page.text)
        self.assertEqual(len(self.rows(self.run_dir)), 5)
        self.json(self.run_dir)
        text = self.report(self.run_dir).decode()
        self.assertNotIn("\x1b", text)
        self.assertEqual(self.report(self.run_dir, "--format", "sha256sum", status=1), b"")

    def test_what_the_page_shows(self):
        for i in range(20):
            self.write(f"data/f{i:02}", "x" * i)
        with Serve(self.dir / "store") as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 0)
        (self.run_dir / "series.jsonl").unlink(missing_ok=True)
        page = self.page(self.run_dir)
        self.assertIn("Finished: every input is uploaded or skipped", page.text)
        self.assertRegex(page.text, "Left out, because there is nothing to show:.*Throughput")
        self.assertNotIn("secret-under-test", page.text)
        self.assertIn("bucket: bucket", page.text)
        self.assertFalse([attributes for tag, attributes in page.elements if tag == "svg"])
        series = [{"t": t, "done": 10 * t, "done_bytes": 1000 * t, "failed": 0, "retries": t, "in_flight": 4, "slots": {"store": 3, "source": 1}}
                  for t in range(1, 30)]
        self.write("run/series.jsonl", "".join(json.dumps(point) + "\n" for point in series))
        summary = json.loads((self.run_dir / "summary.json").read_text())
        summary.update(slot_seconds={"store": 87, "source": 29}, verdict={"limit": "store", "text": "Limited by the store: 75 %"},
                       latency=[{"operation": "PutObject", "size_class": "under 4 KiB", "count": 20, "p50_ms": 1.5, "p90_ms": 2, "p99_ms": 3,
                                 "p999_ms": 4, "max_ms": 5}])
        self.write("run/summary.json", json.dumps(summary))
        page = self.page(self.run_dir)
        for part in ("Limited by the store: 75 %", "On average 1e+03 B/s", "store 75 %", "1.5 ms", "Throughput", "Requests in flight"):
            self.assertIn(part, page.text)
        charts = [attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("role") == "img"]
        self.assertEqual(len(charts), 4)
        self.assertEqual(sum(tag == "desc" for tag, _ in page.elements), 4)
        self.assertIn("Limited by the store: 75 %", self.report(self.run_dir).decode())
        merged = self.json(self.run_dir)
        self.assertEqual(merged["slot_seconds"], {"source": 29, "store": 87})
        self.assertEqual((merged["runs"][0]["latency"], merged["runs"][0]["verdict"]), (summary["latency"], summary["verdict"]))

    def test_100_000_failures_make_a_small_page(self):
        run = {"record": "run", "session": 1, "version": "0.1.0", "job_file": "/j", "overrides": [], "kind": "run", "stores": ["http://s"],
               "bucket": "b", "objects": "", "settings": ""}
        failure = sealed(record="result", outcome="failed", path="/data/" + "x" * 200, key="k", size=1, attempts=5, seconds=0.5,
                         kind="access_denied", http_status=403, code="AccessDenied", message="Access Denied")
        self.write("run/journal.jsonl", sealed(**run) + failure * 100_000 + sealed(record="end", exit_status=1, complete=True))
        page = self.report(self.run_dir, "--format", "html")
        self.assertLess(len(page), 1_000_000)
        self.assertIn(b"100,000 of 100,000 inputs failed", page)


class Output(ReportCase):
    def setUp(self):
        super().setUp()
        self.write("data/f", "x")
        with Serve(self.dir / "store") as server:
            self.assertEqual(s3flow("run", self.job(server.endpoint)).returncode, 0)

    def test_a_file_is_replaced_only_with_force(self):
        out = self.dir / "report.html"
        self.report(self.run_dir, "--format", "html", "--output", out)
        before = out.read_bytes()
        self.assertIn(b"</html>", before)
        out.write_bytes(b"mine")
        self.report(self.run_dir, "--format", "html", "--output", out, status=74)
        self.assertIn("--force", self.said)
        self.assertEqual(out.read_bytes(), b"mine")
        self.report(self.run_dir, "--format", "html", "--output", out, "--force")
        self.assertIn(b"</html>", out.read_bytes())
        self.assertEqual([name for name in os.listdir(self.dir) if "html" in name], ["report.html"])

    @unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
    def test_a_file_that_appears_in_other_ways(self):
        out, other = self.dir / "out/report", self.write("out/report.new", "of the user")
        environment = {**clean_environment(), "LD_PRELOAD": SHIM, "S3FLOW_FAULT_DIR": str(self.dir / "out"),
                       "S3FLOW_FAULT_MARK": str(self.dir / "mark")}
        for error in (errno.EPERM, errno.ENOSYS, errno.EINVAL):
            command = [S3FLOW, "report", self.run_dir, "--output", out]
            ended = subprocess.run(command, stderr=subprocess.PIPE, env={**environment, "S3FLOW_FAULT": f"rename:1:{error}"})
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertTrue((self.dir / "mark").exists())
            (self.dir / "mark").unlink()
            self.assertIn(b"1 found", out.read_bytes())
            self.assertEqual(sorted(os.listdir(self.dir / "out")), ["report", "report.new"])
            out.unlink()
        self.assertEqual(other.read_bytes(), b"of the user")
        # The first fsync is that of the file, the second one that of its directory.
        ended = subprocess.run(command, stderr=subprocess.PIPE, env={**environment, "S3FLOW_FAULT": f"sync:2:{errno.EIO}"})
        self.assertEqual(ended.returncode, 74)
        out.unlink()
        os.mkfifo(out)
        self.report(self.run_dir, "--output", out, "--force", status=74)
        self.assertIn("is not a regular file", self.said)
        self.assertTrue(stat.S_ISFIFO(os.stat(out).st_mode))

    def test_a_terminal(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        command = [S3FLOW, "report", str(self.run_dir)]
        ended = subprocess.run([*command, "--format", "html"], stdout=slave, stderr=subprocess.PIPE, env=clean_environment())
        self.assertEqual(ended.returncode, 64)
        self.assertIn(b"--output report.html", ended.stderr)
        subprocess.run([*command, "--format", "text"], stdout=slave, env=clean_environment(), check=True)
        os.close(slave)
        self.assertIn(b"1 found: 1 uploaded", os.read(master, 10_000))

    def test_wrong_directories(self):
        self.report(self.dir / "none", status=66)
        self.report(self.dir / "data", status=66)
        self.assertIn("is neither a run directory nor a plan", self.said)
        os.chmod(self.run_dir, 0o777)
        self.report(self.run_dir, status=74)
        self.report(self.run_dir, "--trust-dir")
        os.chmod(self.run_dir, 0o755)
        journal = self.run_dir / "journal.jsonl"
        for make in (lambda: journal.symlink_to(self.dir / "theirs"), lambda: os.mkfifo(journal), lambda: journal.write_text("other\n")):
            journal.rename(self.dir / "theirs") if not (self.dir / "theirs").exists() else journal.unlink()
            make()
            for arguments in ([], ["--format", "csv", "--output", self.dir / "out"]):
                self.report(self.run_dir, *arguments, status=74)
                self.assertIn("journal.jsonl", self.said)
            self.assertFalse([name for name in os.listdir(self.dir) if name.startswith("out")])

    def test_a_reader_that_has_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        ended = subprocess.run([S3FLOW, "report", self.run_dir, "--format", "csv"], stdout=writer, stderr=subprocess.PIPE, env=clean_environment())
        os.close(writer)
        self.assertEqual(ended.returncode, 74)
        self.assertIn(b"standard output cannot be written", ended.stderr)


class Shards(ReportCase):
    def test_a_plan_and_its_shards(self):
        plan = self.dir / "plan"
        files = {f"small/{i}": os.urandom(i * 37) for i in range(30)}
        files["giant"] = os.urandom(8 * PART + 5)
        for name, data in files.items():
            self.write(f"data/{name}", data)
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, extra="upload: {part_size: 5MiB, multipart_threshold: 5MiB}")
            ended = s3flow("plan", job, "--shards", 3, "--out", plan)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.report(plan, status=66 if not (plan / "journal.jsonl").exists() else 0)
            for shard in (0, 2):
                self.assertEqual(s3flow("run", "--plan", plan, "--shard", f"{shard}/3").returncode, 0)
            self.assertIn("UNFINISHED: 1 shard has not run yet\n", self.report(plan).decode())
            self.assertIn("1 shard has not run yet", self.said)
            self.assertEqual(s3flow("run", "--plan", plan, "--shard", "1/3").returncode, 0)
            merged = self.json(plan)
            self.assertEqual((merged["uploaded"], merged["failed"]), (30, 0))
            self.assertGreaterEqual(merged["sent"], 2)
            self.assertEqual((merged["state"], merged["complete"], merged["sent_objects"]), ("sent", False, 1))
            self.assertTrue(self.report(plan).startswith(b"SENT: run s3flow finish to complete 1 object\n"))
            self.assertIn("Sent: run s3flow finish to complete 1 object (", self.page(plan).text)
            self.report(plan, "--format", "sha256sum", status=1)
            self.assertIn("s3flow finish completes the object", self.said)
            self.assertEqual(s3flow("finish", plan).returncode, 0)
            client = s3_client(server.endpoint)
            self.addCleanup(client.close)
            stored = {o["Key"]: o["Size"] for o in client.list_objects_v2(Bucket="bucket")["Contents"]}
        rows = self.rows(plan)
        self.assertEqual({row["key"]: int(row["size_bytes"]) for row in rows}, stored)
        self.assertEqual(len(rows), len(files))
        merged = self.json(plan)
        self.assertEqual((merged["uploaded"], merged["sent"], merged["state"], merged["complete"]), (31, 0, "finished", True))
        self.assertEqual(merged["uploaded_bytes"], sum(map(len, files.values())))
        page = self.page(plan)
        self.assertIn("Shards over time", page.text)
        self.assertIn("shard 2", page.text)

    def test_a_later_run_replaces_the_results_of_an_earlier_one(self):
        for i in range(5):
            self.write(f"data/f{i}", "x")
        with Serve(self.dir / "store", "--faults", self.write("faults.yaml", DENIED % "f1")) as server:
            job = self.job(server.endpoint)
            self.assertEqual(s3flow("run", job, "--run-dir", self.dir / "a").returncode, 1)
            (self.dir / "data/f1").rename(self.dir / "data/f6")
            self.assertEqual(s3flow("run", job, "--run-dir", self.dir / "b").returncode, 0)
        merged = self.json(self.dir / "a", self.dir / "b")
        self.assertEqual((len(merged["runs"]), merged["found"], merged["uploaded"], merged["failed"]), (2, 6, 5, 1))
        self.assertIn("2 runs, merged\n", self.report(self.dir / "a", self.dir / "b").decode())
        self.assertEqual(self.report(self.dir / "a", self.dir / "b", "--format", "failed").decode(), f"{self.dir}/data/f1\n")


if __name__ == "__main__":
    unittest.main()

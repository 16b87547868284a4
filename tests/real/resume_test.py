"""Runs against Ceph that are killed at random moments and resumed: nothing is lost, nothing that the journal knew is sent
twice, and no upload is left behind."""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.rgw import KEY_ID, SECRET, Rgw
from support.harness import S3FLOW, TestCase, clean_environment, read_records, seeded_random, sha256
from support.store_client import s3_client

# 300 kills would be a better proof, but take too long for the suite.
KILLS = int(os.environ.get("S3FLOW_KILLS", "8"))
STOPS = int(os.environ.get("S3FLOW_STOPS", "4"))
SMALL, LARGE = (2000, 10) if KILLS >= 100 else (400, 2)
PART, CONCURRENCY = 5 << 20, 16


class ResumeTest(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rgw = Rgw()
        cls.addClassCleanup(cls.rgw.stop)
        cls.s3 = s3_client(cls.rgw.endpoint, KEY_ID, SECRET)
        cls.addClassCleanup(cls.s3.close)
        cls.random = seeded_random()

    def make_files(self):
        """Writes the files. Returns key -> SHA-256."""
        written = {}
        for i in range(SMALL):
            data = self.random.randbytes(self.random.randrange(3000))
            self.write(f"data/small/{i}", data)
            written[f"small/{i}"] = sha256(data)
        for i in range(LARGE):
            data = self.random.randbytes(1 << 20) * 64 + bytes([i])
            self.write(f"data/large/{i}", data)
            written[f"large/{i}"] = sha256(data)
        return written

    def start(self, bucket, trace):
        job = self.job(self.rgw.endpoint, bucket=bucket, key_id=KEY_ID, secret=SECRET,
                       extra=f"upload: {{concurrency: {CONCURRENCY}, part_size: 5MiB, multipart_threshold: 5MiB}}")
        return subprocess.Popen([S3FLOW, "run", job, "--resume", "--trace-http", trace], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=clean_environment())

    def finish(self, process):
        out, err = process.communicate(timeout=300)
        return process.returncode, out + err

    def sent(self, trace):
        """Returns the keys and parts that a session began to send; a part as "key 3"."""
        names = []
        if trace.exists():
            for line in trace.read_text(errors="replace").splitlines():
                match = re.search(r" > PUT \S+?//?[^/]+/[^/]+/(\S+?)(?:\?partNumber=(\d+)&\S*)?$", line)
                if match:
                    names.append(match.group(1) + (f" {match.group(2)}" if match.group(2) else ""))
        return names

    def recorded(self):
        """Returns the keys and parts that are in the store according to the journal, in the form of sent()."""
        journal = self.dir / "run/journal.jsonl"
        if not journal.exists():
            return set()
        keys, names = {}, set()
        for line in journal.read_text().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # the torn last line
            if record["record"] == "upload":
                keys[record["token"]] = record["key"]
            elif record["record"] == "part":
                names.add(f"{keys[record['token']]} {record['part']}")
            elif record["record"] == "result" and record["outcome"] == "uploaded":
                names.add(record["key"])
        return names

    def evidence(self, names, trace):
        """Returns the lines of journal and trace about one of these keys."""
        if not names:
            return ""
        key = sorted(names)[0].split(" ")[0]
        lines = trace.read_text(errors="replace").splitlines()
        numbers = {re.search(r" (#\d+) ", line).group(1) for line in lines if f"/{key}" in line.split(" > ")[-1]}
        traced = [line for line in lines if line.split(" ")[1] in numbers and re.search(r" > (PUT|GET|HEAD|POST|DELETE) | < HTTP|rror", line)]
        journal = (self.dir / "run/journal.jsonl").read_text().splitlines()
        tokens = {json.loads(line)["token"] for line in journal if f'"{key}"' in line and '"token"' in line}
        told = [line[:300] for line in journal if f'"{key}"' in line or '"record":"run"' in line or any(token in line for token in tokens)]
        return "sent again although the journal knew it\n" + "\n".join(told[-60:] + traced[:60])

    def check_end(self, bucket, written, text):
        stored = {o["Key"]: sha256(self.s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read())
                  for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket) for o in page.get("Contents", [])}
        self.assertEqual(stored, written)
        self.assertEqual(self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []), [], "orphans")
        done = collections.Counter(r["key"] for r in read_records(self.dir / "run") if r["record"] == "result" and r["outcome"] != "cancelled")
        self.assertEqual(done, collections.Counter(written.keys()), "each input has exactly one final record")
        summary = json.loads((self.dir / "run/summary.json").read_text())
        self.assertEqual((summary["found"], summary["uploaded"], summary["failed"], summary["complete"]), (len(written), len(written), 0, True), text)

    def round(self, number, kills):
        """Runs one job, kills it again and again, and lets it end. Returns the number of kills."""
        bucket = f"killed{number}"
        self.s3.create_bucket(Bucket=bucket)
        for name in ("run", "data"):
            subprocess.run(["rm", "-rf", self.dir / name], check=True)
        written = self.make_files()
        done = again = 0
        while True:
            before = self.recorded()
            trace = self.dir / "trace"
            trace.unlink(missing_ok=True)
            process = self.start(bucket, trace)
            try:
                # Some sessions die during their start, most during their work.
                wait = self.random.random() ** 2 * 0.6
                process.wait(timeout=wait if done < kills else 300)
            except subprocess.TimeoutExpired:
                process.kill()
            code, text = self.finish(process)
            names = collections.Counter(self.sent(trace))
            self.assertEqual(before & set(names), set(), self.evidence(before & set(names), trace))
            again += sum((names & self.sent_before).values())
            self.sent_before |= names
            if code == 0:
                break
            self.assertEqual(code, -9, text)
            done += 1
            self.unrecorded.append(len(set(names) - self.recorded()))
        self.check_end(bucket, written, text)
        # Only what was in flight at a kill may be sent again.
        self.assertLessEqual(max(self.unrecorded, default=0), CONCURRENCY)
        self.assertLessEqual(again, sum(self.unrecorded))
        print(f"round {number}: {done} kills, {again} requests of data sent again of {sum(self.unrecorded)} that were in flight")
        self.s3_empty(bucket)
        return done

    def s3_empty(self, bucket):
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            self.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": o["Key"]} for o in page["Contents"]]})

    def test_a_run_that_is_killed_at_random_moments_completes(self):
        total = number = 0
        while total < KILLS:
            self.sent_before, self.unrecorded = collections.Counter(), []
            total += self.round(number, min(40, KILLS - total))
            number += 1
            self.assertLess(number, KILLS + 10)
        self.assertGreaterEqual(total, KILLS)

    def test_a_run_that_is_stopped_at_random_moments_completes(self):
        stops = number = 0
        while stops < STOPS:
            bucket = f"stopped{number}"
            self.s3.create_bucket(Bucket=bucket)
            subprocess.run(["rm", "-rf", self.dir / "run", self.dir / "data"], check=True)
            written = self.make_files()
            while True:
                process = self.start(bucket, self.dir / "trace")
                try:
                    process.wait(timeout=self.random.random() * 0.8 + 0.02 if stops < STOPS else 300)
                except subprocess.TimeoutExpired:
                    process.terminate()
                code, text = self.finish(process)
                if code == 0:
                    break
                if code == -15:  # the signal came before s3flow handled signals
                    continue
                self.assertEqual(code, 75, text)
                stops += 1
            self.check_end(bucket, written, text)
            self.s3_empty(bucket)
            number += 1
        print(f"{stops} stops in {number} runs")


if __name__ == "__main__":
    unittest.main()

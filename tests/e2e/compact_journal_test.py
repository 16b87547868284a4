"""report.journal: compact: shorter lines, and a journal that is compressed when the run is complete."""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import S3FLOW, SANITIZE, Serve, TestCase, clean_environment, s3flow, sha256
from support.store_client import s3_client

SHIM = os.environ["S3FLOW_IO_FAULTS"]
COMPACT = "  journal: compact\nupload: {part_size: 5MiB, multipart_threshold: 5MiB}"
FULL = COMPACT.replace("compact", "full")
FILES = 250


def zstdcat(path):
    return subprocess.run(["zstdcat", str(path)], stdout=subprocess.PIPE, check=True).stdout


class Compact(TestCase):
    def setUp(self):
        super().setUp()
        self.run_dir = self.dir / "run"
        for i in range(FILES):
            self.write(f"data/f{i:03}", f"content {i}")
        self.write("data/parts", os.urandom((12 << 20) + 3))
        self.server = Serve(self.dir / "store")
        self.server.__enter__()
        self.addCleanup(self.server.__exit__)
        self.client = s3_client(self.server.endpoint)
        self.addCleanup(self.client.close)

    def upload(self, *arguments, status=0, extra=COMPACT, **environment):
        ended = s3flow("run", self.job(self.server.endpoint, extra=extra), *arguments, **environment)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        return ended

    def names(self):
        return sorted(name for name in os.listdir(self.run_dir) if name.startswith("journal"))

    def lines(self):
        """Returns the records of the journal, by the rule that journal.jsonl wins."""
        plain = self.run_dir / "journal.jsonl"
        text = plain.read_bytes() if plain.exists() else zstdcat(self.run_dir / "journal.jsonl.zst")
        return [json.loads(line) for line in text.splitlines()]

    def check_store(self):
        found = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket="bucket"):
            for entry in page["Contents"]:
                found[entry["Key"]] = sha256(self.client.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read())
        root = self.dir / "data"
        self.assertEqual(found, {p.name: sha256(p.read_bytes()) for p in root.iterdir()})

    def written_at(self):
        return {entry["Key"]: entry["LastModified"] for page in self.client.get_paginator("list_objects_v2").paginate(Bucket="bucket")
                for entry in page["Contents"]}

    def report(self, run_dir, form, status=0):
        ended = s3flow("report", run_dir, "--format", form)
        self.assertEqual(ended.returncode, status, ended.stderr)
        return ended.stdout


class Runs(Compact):
    def test_a_complete_run_leaves_a_compressed_journal_that_all_commands_read(self):
        self.write("hook", "#!/bin/sh\nprintf %s \"$S3FLOW_JOURNAL\" >" + str(self.dir / "told")).chmod(0o755)
        self.upload(extra=COMPACT.replace("\n", f"\n  on_end: [{self.dir / 'hook'}]\n", 1))
        self.assertEqual(self.names(), ["journal.jsonl.zst"])
        self.assertEqual((self.dir / "told").read_text(), str(self.run_dir / "journal.jsonl.zst"))
        lines = self.lines()
        self.assertEqual((lines[0]["record"], lines[-1]["record"], lines[-1]["complete"]), ("run", "end", True))
        results = {line["key"]: line for line in lines if line["record"] == "result"}
        self.assertEqual(len(results), FILES + 1)
        for key, line in results.items():
            self.assertEqual({"request_id", "attempts", "crc32c_base64", "crc64nvme_base64", "md5_base64"} & set(line), set(), line)
            self.assertEqual(line["etag"].strip('"'), self.client.head_object(Bucket="bucket", Key=key)["ETag"].strip('"'))
        self.check_store()
        report = json.loads(self.report(self.run_dir, "json"))
        self.assertEqual((report["uploaded"], report["failed"]), (FILES + 1, 0), report)
        self.assertEqual(len(self.report(self.run_dir, "csv").splitlines()), FILES + 2)
        self.assertEqual(s3flow("status", self.run_dir).returncode, 0)

    def test_a_report_of_compact_lines_lacks_only_request_ids_and_checksums(self):
        columns = {}
        for extra in (FULL, COMPACT):
            shutil.rmtree(self.run_dir, ignore_errors=True)
            self.upload(extra=extra)
            rows = [row.split(",") for row in self.report(self.run_dir, "csv").splitlines()]
            table = {row[1]: dict(zip(rows[0], row)) for row in rows[1:]}
            sums = sorted(self.report(self.run_dir, "sha256sum", status=1).splitlines())  # without the object in parts
            columns[extra] = table, sums
        (full, full_sums), (compact, compact_sums) = columns[FULL], columns[COMPACT]
        self.assertEqual(full_sums, compact_sums)
        self.assertEqual(len(full_sums), FILES)
        for key, row in full.items():
            different = {name for name in row if row[name] != compact[key][name]} - {"seconds"}
            self.assertLessEqual(different, {"request_id", "checksum"}, key)
            self.assertNotEqual(row["request_id"], "")

    def test_a_later_session_uploads_nothing_again_and_compresses_again(self):
        self.upload()
        before = self.written_at()
        self.assertEqual(self.upload(status=78).stderr.count("is complete"), 1)
        self.assertEqual(self.names(), ["journal.jsonl.zst"])
        self.upload("--resume")
        self.assertEqual(self.names(), ["journal.jsonl.zst"])
        self.assertEqual(self.written_at(), before)
        self.write("data/new", b"new")
        dry = s3flow("run", self.job(self.server.endpoint, extra=COMPACT), "--resume", "--dry-run")
        self.assertIn("1 would be uploaded (3 B)", dry.stdout, dry.stderr)
        self.assertEqual(self.names(), ["journal.jsonl.zst"])
        self.upload("--resume")
        lines = self.lines()
        self.assertEqual([line["session"] for line in lines if line["record"] == "run"], [1, 2, 3])
        self.assertEqual(len([line for line in lines if line["record"] == "result"]), FILES + 2)
        self.check_store()
        self.upload("--resume", extra=FULL)  # a job that changed its mind: the journal stays plain
        self.assertEqual(self.names(), ["journal.jsonl"])
        self.upload("--resume")
        self.assertEqual(self.names(), ["journal.jsonl.zst"])

    def test_clean_leaves_the_journal_compressed(self):
        self.upload()
        before = zstdcat(self.run_dir / "journal.jsonl.zst")
        for arguments in ((), ("--dry-run",)):
            ended = s3flow("clean", self.run_dir, *arguments)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(self.names(), ["journal.jsonl.zst"])
            self.assertEqual(zstdcat(self.run_dir / "journal.jsonl.zst"), before)

    def test_clean_by_age_removes_the_directory_if_its_journal_is_whole(self):
        self.upload()
        runs = self.dir / "runs"
        runs.mkdir()
        shutil.copytree(self.run_dir, runs / "whole", copy_function=shutil.copy2)
        shutil.copytree(self.run_dir, runs / "cut", copy_function=shutil.copy2)
        path = runs / "cut/journal.jsonl.zst"
        path.write_bytes(path.read_bytes()[:-9])
        ended = s3flow("clean", runs, "--older-than", "0m")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(os.listdir(runs), ["cut"])
        self.assertIn("journal.jsonl.zst is damaged", ended.stdout)
        ended = s3flow("clean", self.run_dir, "--older-than", "0m")
        self.assertEqual(ended.returncode, 64)
        self.assertIn("is a run directory itself", ended.stderr)

    def test_a_walk_leaves_out_the_directory(self):
        self.upload()
        shutil.copytree(self.run_dir, self.dir / "data/old-run")
        ended = self.upload("--resume")
        self.assertNotIn("old-run/journal.jsonl.zst", self.written_at(), ended.stdout)

    def test_a_damaged_journal_is_refused_and_nothing_is_uploaded(self):
        self.upload()
        path = self.run_dir / "journal.jsonl.zst"
        whole = path.read_bytes()
        plain = zstdcat(path)
        head = whole[:23]
        self.write("plain", plain)
        def packed(data, *options):
            return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 4
        before = self.written_at()
        for name, data, words in [
                ("cut", whole[:-1], "is damaged (its end is missing)"), ("empty", b"", "was not compressed by s3flow"),
                ("head only", head, "is damaged (its end is missing)"), ("flipped", bytes(flipped), "is damaged"),
                ("more", whole + b"x", "other bytes follow its end"), ("two frames", whole + packed(b"x"), "other bytes follow its end"),
                ("plain text", plain, "was not compressed by s3flow"), ("no head", packed(plain), "was not compressed by s3flow"),
                ("window", head + packed(plain * 3000, "--ultra", "--long=27", "-1"), "too much memory"),
                ("line", head + packed(plain + b"x" * (17 << 20) + b"\n"), "is longer than 16 MiB"),
                ("damaged line", head + packed(plain.replace(b"uploaded", b"skipped", 1)), "is damaged")]:
            with self.subTest(name):
                path.write_bytes(data)
                job = self.job(self.server.endpoint, extra=COMPACT)
                for command in (("run", job, "--resume"), ("report", self.run_dir), ("clean", self.run_dir), ("run", job, "--resume", "--dry-run")):
                    ended = s3flow(*command)
                    self.assertEqual(ended.returncode, 74, (command, ended.stdout, ended.stderr))
                    self.assertIn(words, ended.stderr)
                self.assertEqual(path.read_bytes(), data)
                self.assertEqual(self.names(), ["journal.jsonl.zst"])
        self.assertEqual(self.written_at(), before)
        path.write_bytes(whole)
        self.upload("--resume")
        self.assertEqual(self.written_at(), before)

    def test_shards_and_finish(self):
        plan = self.dir / "plan"
        ended = s3flow("plan", self.job(self.server.endpoint, extra=COMPACT), "--shards", 2, "--out", plan)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for shard in (0, 1):
            ended = s3flow("run", "--plan", plan, "--shard", f"{shard}/2")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertFalse((plan / f"shards/{shard:05}/journal.jsonl").exists())
            self.assertTrue((plan / f"shards/{shard:05}/journal.jsonl.zst").exists())
        for _ in range(2):
            ended = s3flow("finish", plan)
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
            self.assertEqual([n for n in os.listdir(plan) if n.startswith("journal")], ["journal.jsonl.zst"])
        self.check_store()
        before = self.written_at()
        self.assertEqual(s3flow("status", plan).returncode, 0)
        self.assertEqual(json.loads(self.report(plan, "json"))["uploaded"], FILES + 1)
        for shard in (0, 1):
            self.assertEqual(s3flow("run", "--plan", plan, "--shard", f"{shard}/2").returncode, 0)
        self.assertEqual(s3flow("finish", plan).returncode, 0)
        self.assertEqual(self.written_at(), before)

    def test_a_rehearsal_reads_the_objects_back(self):
        os.symlink("f001", self.dir / "data/link")  # a skipped input
        ended = s3flow("rehearse", self.job(self.server.endpoint, extra=COMPACT), "--run-dir", self.dir / "rehearsal")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        self.assertIn(f"read back: {FILES + 1} objects equal, 0 not", ended.stdout)


@unittest.skipIf(SANITIZE, "a sanitizer must be loaded before the preloaded library, and refuses to start")
class Crashes(Compact):
    def run_with(self, fault, prefix, *arguments):
        """Runs the job with a fault at system calls about files whose paths begin with `prefix`. Returns the result, and
        whether the fault happened."""
        mark = self.dir / "mark"
        mark.unlink(missing_ok=True)
        job = self.job(self.server.endpoint, extra=COMPACT)
        ended = subprocess.run([S3FLOW, "run", str(job), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                               env=clean_environment(LD_PRELOAD=SHIM, S3FLOW_FAULT=fault, S3FLOW_FAULT_DIR=str(self.run_dir / prefix),
                                                     S3FLOW_FAULT_MARK=str(mark)))
        return ended, mark.exists()

    def sweep(self, prefix, begin, calls, *arguments):
        """Kills a run before and after each call of some kinds, and resumes it. Nothing is uploaded twice."""
        kept = None
        for call in calls:
            for moment in ("before", "after"):
                number = happened = 1
                while happened:
                    with self.subTest(call=call, number=number, moment=moment):
                        kept = begin()
                        ended, happened = self.run_with(f"{call}:{number}:{moment}", prefix, *arguments)
                        self.assertEqual(ended.returncode, -signal.SIGKILL if happened else 0, ended.stderr)
                        lines = self.lines()
                        self.assertEqual(len([line for line in lines if line.get("record") == "result"]), FILES + 1)
                        self.assertEqual(json.loads(self.report(self.run_dir, "json"))["uploaded"], FILES + 1)
                        self.upload("--resume")
                        self.assertEqual(self.names(), ["journal.jsonl.zst"])
                        self.assertEqual(self.written_at(), kept or self.written_at())
                    number += 1
                    self.assertLess(number, 40)
                self.assertGreater(number, 2, (call, moment))

    def test_kill_9_at_each_step_of_the_compression(self):
        """Before the compression, all results are in the journal; so the store is not written again."""
        def begin():
            shutil.rmtree(self.run_dir, ignore_errors=True)
            return None
        self.sweep("journal.jsonl.zst", begin, ("write", "sync", "renameat"))
        self.check_store()

    def test_kill_9_around_the_removal_of_the_plain_journal(self):
        self.upload()
        before = self.written_at()
        self.sweep("journal.jsonl", lambda: before, ("unlink", "renameat"), "--resume")

    def test_kill_9_at_each_step_of_the_decompression(self):
        self.upload()
        before = self.written_at()
        self.sweep("journal.jsonl.new", lambda: before, ("write", "sync"), "--resume")

    def test_a_full_disk_leaves_the_plain_journal_and_a_note(self):
        for call, number, error, words in [("write", 1, 28, "No space left"), ("write", 2, 28, "No space left"), ("sync", 1, 5, "Input/output error"),
                                           ("renameat", 1, 28, "No space left")]:
            with self.subTest(call=call, number=number):
                shutil.rmtree(self.run_dir, ignore_errors=True)
                ended, happened = self.run_with(f"{call}:{number}:{error}:-1", "journal.jsonl.zst")
                self.assertTrue(happened)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertIn("the journal stays uncompressed: ", ended.stderr)
                self.assertIn(words, ended.stderr)
                self.assertEqual(self.names(), ["journal.jsonl"])
                self.assertEqual(len([line for line in self.lines() if line["record"] == "result"]), FILES + 1)
                self.upload("--resume")
                self.assertEqual(self.names(), ["journal.jsonl.zst"])

    def test_a_full_disk_at_the_decompression_stops_the_session(self):
        self.upload()
        before = self.written_at()
        text = (self.run_dir / "journal.jsonl.zst").read_bytes()
        ended, happened = self.run_with("write:1:28:-1", "journal.jsonl.new", "--resume")
        self.assertTrue(happened)
        self.assertEqual(ended.returncode, 74, ended.stderr)
        self.assertIn("No space left", ended.stderr)
        self.assertEqual(self.names(), ["journal.jsonl.zst"])
        self.assertEqual((self.run_dir / "journal.jsonl.zst").read_bytes(), text)
        self.upload("--resume")
        self.assertEqual(self.written_at(), before)


if __name__ == "__main__":
    unittest.main()

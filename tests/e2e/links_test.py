"""follow_symlinks: false also holds when directories become links during a run."""
import ctypes
import os
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SECRET, Serve, TestCase, clean_environment, read_journal, s3flow, seeded_random
from support.store_client import s3_client

ROUNDS = int(os.environ.get("S3FLOW_LINK_ROUNDS", 10))  # of 20 swaps each
SWAPS = 20


def refuse_openat2(error):
    """Returns a step that makes openat2(2) (437) fail with `error` in the new process, as old containers do."""
    def prepare():
        def instruction(code, jump_true, jump_false, value):
            return struct.pack("HBBI", code, jump_true, jump_false, value)
        program = (instruction(0x20, 0, 0, 0) + instruction(0x15, 0, 1, 437) +
                   instruction(0x06, 0, 0, 0x00050000 | error) + instruction(0x06, 0, 0, 0x7fff0000))
        buffer = ctypes.create_string_buffer(program)
        filters = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.c_char_p(filters), 0, 0) != 0:
            os._exit(99)
    return prepare


class Links(TestCase):
    def setUp(self):
        super().setUp()
        for d in range(8):
            for f in range(40):
                self.write(f"data/top/d{d}/f{f:02}", b"inside")
                self.write(f"outside/d{d}/f{f:02}", b"OUTSIDE")
        self.write("outside/f00", b"OUTSIDE")

    def bodies(self, client):
        keys = [entry["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="bucket") for entry in page.get("Contents", [])]
        return {key: client.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys}

    def swap(self, name, linked, stop):
        """Replaces the directory by a link and puts it back, again and again, until `stop` is set."""
        place, aside = self.dir / "data" / name, self.dir / f"aside-{name.replace('/', '-')}"
        while not stop.is_set():
            os.rename(place, aside)
            os.symlink(linked, place)
            os.unlink(place)
            os.rename(aside, place)
            self.swaps += 1

    def run_while_swapping(self, command, names, prepare=None):
        self.swaps, stop = 0, threading.Event()
        linked = {"top": self.dir / "outside"}
        threads = [threading.Thread(target=self.swap, args=(name, linked.get(name, self.dir / "outside" / name[4:]), stop)) for name in names]
        for thread in threads:
            thread.start()
        try:
            ended = subprocess.run([S3FLOW, *map(str, command)], capture_output=True, text=True, env=clean_environment(), timeout=300, preexec_fn=prepare)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertIn(ended.returncode, (0, 1, 66), ended.stderr)
        return ended

    def nothing_from_outside(self, server):
        client = s3_client(server.endpoint, KEY_ID, SECRET)
        bodies = self.bodies(client)
        client.close()
        self.assertEqual({body for body in bodies.values()} - {b"inside"}, set())

    def test_no_file_outside_is_uploaded_when_links_appear_at_random_moments(self):
        random, met = seeded_random(), 0
        ways = [None, refuse_openat2(38), refuse_openat2(1)]
        for number in range(ROUNDS):
            with Serve(self.dir / f"store{number}") as server:
                job = self.job(server.endpoint, extra=f"upload: {{concurrency: {random.choice([1, 4, 64])}}}")
                names = random.sample(["top/d1", "top/d2", "top/d5", "top/d7"], 2) + random.choice([[], ["top"]])
                if "top" in names:
                    names = ["top"]
                run_dir = self.dir / f"run{number}"
                self.run_while_swapping(["run", job, "--run-dir", run_dir], names, ways[number % 3])
                self.assertGreater(self.swaps, 0)
                met += sum(1 for line in read_journal(run_dir) if line["outcome"] != "uploaded")
                self.nothing_from_outside(server)
        print(f"{met} inputs met a link or nothing")
        self.assertGreater(met, 0, "no swap happened during a run, so nothing was tested")

    def test_no_file_outside_is_uploaded_when_a_link_appears_after_the_plan(self):
        for number, prepare in enumerate([None, refuse_openat2(38), refuse_openat2(1)]):
            with Serve(self.dir / f"store{number}") as server:
                job, plan = self.job(server.endpoint), self.dir / f"plan{number}"
                self.assertEqual(s3flow("plan", job, "--shards", "1", "--out", plan).returncode, 0)
                moved = self.dir / "moved"
                # The files outside have the same sizes and times.
                for d in (1, 5):
                    for f in range(40):
                        inside, outside = self.dir / f"data/top/d{d}/f{f:02}", self.dir / f"outside/d{d}/f{f:02}"
                        outside.write_bytes(b"STOLEN")
                        os.utime(outside, ns=(inside.stat().st_atime_ns, inside.stat().st_mtime_ns))
                    os.rename(self.dir / f"data/top/d{d}", f"{moved}{d}")
                    os.symlink(self.dir / f"outside/d{d}", self.dir / f"data/top/d{d}")
                ended = subprocess.run([S3FLOW, "run", "--plan", str(plan), "--shard", "0/1"], capture_output=True, text=True,
                                       env=clean_environment(), timeout=300, preexec_fn=prepare)
                self.assertEqual(ended.returncode, 1, ended.stderr)
                self.assertIn("has become a symbolic link", ended.stderr)
                self.assertIn("240 uploaded, 0 skipped, 80 failed", ended.stdout)
                self.nothing_from_outside(server)
                for d in (1, 5):
                    os.unlink(self.dir / f"data/top/d{d}")
                    os.rename(f"{moved}{d}", self.dir / f"data/top/d{d}")

    def test_a_deep_tree_is_uploaded_without_openat2(self):
        deep = "/".join(["deep"] * 40)
        self.write(f"data/{deep}/f", b"inside")
        for number, prepare in enumerate([None, refuse_openat2(38), refuse_openat2(1)]):
            with Serve(self.dir / f"store{number}") as server:
                ended = subprocess.run([S3FLOW, "run", str(self.job(server.endpoint)), "--run-dir", str(self.dir / f"run{number}"),
                                        "--set", "source.0.keep_atime=true"], capture_output=True, text=True, env=clean_environment(),
                                       timeout=300, preexec_fn=prepare)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertIn("321 found: 321 uploaded", ended.stdout)

    def test_a_root_may_be_a_link_and_links_below_it_need_follow_symlinks(self):
        os.symlink(self.dir / "data", self.dir / "root-link")
        os.symlink(self.dir / "outside", self.dir / "data/link")
        with Serve(self.dir / "store") as server:
            job = self.job(server.endpoint, source="root-link")
            ended = s3flow("run", job)
            self.assertIn("321 found: 320 uploaded, 1 skipped", ended.stdout, ended.stderr)
            ended = s3flow("run", job, "--run-dir", self.dir / "run2", "--set", "source.0.follow_symlinks=true")
            self.assertIn("641 found: 641 uploaded", ended.stdout, ended.stderr)


if __name__ == "__main__":
    unittest.main()

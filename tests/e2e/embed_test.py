"""The library is installed, and the programs of config/examples/embed are built against it, outside of the tree, and run."""
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, SECRET, S3FLOW, TOP, Serve, TestCase, clean_environment, sha256
from support.store_client import s3_client

BUILD = pathlib.Path(S3FLOW).parent


def tool(*arguments):
    ended = subprocess.run([*map(str, arguments)], capture_output=True, text=True, timeout=500, env={**os.environ, "DESTDIR": ""})
    if ended.returncode != 0:
        raise AssertionError(f"{arguments}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout

SLOW = "no answer from the store yet"  # a notice that the program asked for; a busy machine may cause it


class Embed(TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="s3flow-embed-")
        cls.addClassCleanup(holder.cleanup)
        cls.prefix, cls.build = pathlib.Path(holder.name) / "prefix", pathlib.Path(holder.name) / "build"
        tool("cmake", "--install", BUILD, "--component", "library", "--prefix", cls.prefix)
        source = pathlib.Path(holder.name) / "embed"  # a copy, so that nothing of the tree beside it can be found
        tool("cp", "-r", TOP / "config/examples/embed", source)
        tool("cmake", "-G", "Ninja", "-S", source, "-B", cls.build, f"-DCMAKE_PREFIX_PATH={cls.prefix}",
             "-DCMAKE_CXX_FLAGS=-O1 -Wall -Wextra -Wpedantic -Wshadow -Werror")
        tool("cmake", "--build", cls.build)

    def run_example(self, name, *arguments, secret=SECRET):
        return subprocess.run([str(self.build / name), *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              env=clean_environment(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=secret))

    def objects(self, endpoint, bucket):
        """Returns the content and the metadata of each object."""
        client = s3_client(endpoint)
        self.addCleanup(client.close)
        found = {}
        for listed in client.list_objects_v2(Bucket=bucket).get("Contents", []):
            got = client.get_object(Bucket=bucket, Key=listed["Key"])
            found[listed["Key"]] = got["Body"].read(), got["Metadata"], got["ContentType"]
        return found

    def test_only_the_public_headers_are_installed(self):
        headers = {p.relative_to(self.prefix / "include").as_posix() for p in (self.prefix / "include").rglob("*.h")}
        self.assertEqual(headers, {f"s3flow/{name}.h" for name in ("options", "upload", "uploader", "upload_node")})

    def test_a_simulation_uploads_its_checkpoints_while_it_computes(self):
        with Serve(self.dir / "store", buckets=("one", "two")) as store:
            for bucket in ("one", "two"):
                ended = self.run_example("checkpoint", store.endpoint, bucket, 40)
                self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
                self.assertEqual(len(re.findall(r"with(?:out)? uploads: +40 frames: mean [\d.]+ ms", ended.stdout)), 2)
                self.assertIn("4 checkpoints stored, 0 lost", ended.stdout)
                self.assertEqual(set(ended.stderr.splitlines()) - {SLOW}, set(), "a library writes nothing else")
            one, two = self.objects(store.endpoint, "one"), self.objects(store.endpoint, "two")
        self.assertEqual(set(one), {f"checkpoints/frame-{i}" for i in (10, 20, 30, 40)})
        for key, (content, metadata, _) in one.items():
            self.assertEqual(len(content), 1024 * 1024 * 8)
            self.assertEqual(metadata["frame"], key.rpartition("-")[2])
            self.assertEqual(sha256(content), sha256(two[key][0]), "the simulation is deterministic, so its uploads are")
        self.assertEqual(len({sha256(content) for content, _, _ in one.values()}), 4)

    def test_a_graph_compresses_and_uploads(self):
        files = {f"f{i}.txt": (f"line {i}\n" * (1 + 5000 * i)).encode() for i in range(40)} | {"empty": b""}
        paths = [self.write(name, data) for name, data in files.items()]
        with Serve(self.dir / "store", buckets=("plates",)) as store:
            ended = self.run_example("compress", store.endpoint, "plates", *paths, self.dir / "absent")
            self.assertIn("absent: cannot be read", ended.stderr)
            self.assertIn("41 stored, 1 failed", ended.stdout)
            self.assertEqual(ended.returncode, 1)
            stored = self.objects(store.endpoint, "plates")
        self.assertEqual({key: gzip.decompress(content) for key, (content, _, _) in stored.items()},
                         {f"packed/{name}.gz": data for name, data in files.items()})
        self.assertEqual({kind for _, _, kind in stored.values()}, {"application/gzip"})

    def test_a_refusal_is_the_result_of_each_upload(self):
        with Serve(self.dir / "store", buckets=("plates",)) as store:
            ended = self.run_example("checkpoint", store.endpoint, "plates", 20, secret="wrong")
            self.assertEqual(ended.returncode, 1)
            self.assertIn("0 checkpoints stored, 2 lost", ended.stdout)
            self.assertEqual(len(re.findall(r"^checkpoints/frame-\d+: bad_credentials: ", ended.stderr, re.M)), 2, ended.stderr)
            self.assertEqual(self.objects(store.endpoint, "plates"), {})

    def test_wrong_options_are_an_error_of_open(self):
        for endpoint, bucket, message in [("ftp://x", "plates", "ftp"), ("http://127.0.0.1:1", "B_", "bucket")]:
            ended = self.run_example("checkpoint", endpoint, bucket)
            self.assertEqual(ended.returncode, 78, ended.stderr)
            self.assertIn(message, ended.stderr)


if __name__ == "__main__":
    unittest.main()

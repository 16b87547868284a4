"""`s3flow check --probe` against the endpoint, and against the endpoint while it emulates other stores."""
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import Serve, TestCase, s3flow


def rows(text):
    """Returns name of a row -> its value."""
    return {line[:20].strip(): line[20:].split("  ")[0].strip() for line in text.splitlines() if not line.startswith(("advice:", "note:"))}


class Probe(TestCase):
    def probe(self, *serve, expected=0):
        self.write("data/x", b"x")
        with Serve(self.dir / "store", *serve) as store:
            ended = s3flow("check", "--probe", self.job(store.endpoint))
        self.assertEqual(ended.returncode, expected, ended.stdout + ended.stderr)
        left = [p for p in (self.dir / "store").rglob("*") if p.is_file() and "s3flow-probe" in p.name]
        self.assertEqual(left, [], "the probe must delete its object")
        self.assertGreater(store.stats["requests"]["DeleteObject"], 0)
        return rows(ended.stdout), ended.stdout

    def test_a_store_that_takes_everything_is_described(self):
        seen, text = self.probe()
        for name in ("put", "head", "multipart", "payload unsigned", "payload streaming", "delete"):
            self.assertEqual(seen[name], "works", text)
        for name in ("if_none_match", "if_none_match parts", "payload sha256", "checksum md5", "checksum crc32c", "checksum crc64nvme", "checksum sha256", "trailer crc32c"):
            self.assertEqual(seen[name], "checked", text)
        self.assertEqual((seen["region"], seen["clock"]), ("us-east-1", "agrees"))
        self.assertRegex(seen["round trip"], r"^\d+\.\d\d ms$")

    def test_conditions_are_tested_with_both_operations(self):
        for ignored, put, parts in (("complete", "checked", "ignored"), ("all", "ignored", "ignored")):
            seen, text = self.probe("--ignore-conditions", ignored)
            self.assertEqual((seen["if_none_match"], seen["if_none_match parts"]), (put, parts), text)
            self.assertIn("the store ignores If-None-Match", text)

    def test_a_store_without_checksum_headers_is_recognised(self):
        seen, text = self.probe("--profile", "b2")
        self.assertEqual(seen["checksum crc32c"], "refused")
        self.assertEqual(seen["multipart"], "works")
        self.assertIn("destination.profile: b2", text)

    def test_a_store_with_etags_of_its_own_needs_its_profile(self):
        seen, text = self.probe("--profile", "r2", expected=1)
        self.assertEqual((seen["multipart"], seen["payload streaming"], seen["trailer crc32c"]), ("refused", "refused", "refused"))
        self.assertIn("advice: this is no store of profile generic, which says otherwise: destination.profile: r2", text)

    def test_the_advised_profile_works(self):
        self.write("data/x", b"x")
        with Serve(self.dir / "store", "--profile", "r2") as store:
            job = self.job(store.endpoint)
            ended = s3flow("check", "--probe", job, "--set", "destination.profile=r2")
            self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
            self.assertNotIn("destination.profile", ended.stdout)
            self.assertEqual(rows(ended.stdout)["multipart"], "works")

    def test_refusals_have_their_exit_statuses(self):
        self.write("data/x", b"x")
        with Serve(self.dir / "store") as store:
            ended = s3flow("check", "--probe", self.job(store.endpoint, secret="wrong"))
            self.assertEqual(ended.returncode, 77)
            self.assertIn("SignatureDoesNotMatch", ended.stderr)
            ended = s3flow("check", "--probe", self.job(store.endpoint, bucket="nowhere"))
            self.assertEqual(ended.returncode, 77)
            self.assertIn("NoSuchBucket", ended.stderr)
        ended = s3flow("check", "--probe", self.job(store.endpoint), "--set", "retry.max_attempts=2")
        self.assertEqual(ended.returncode, 75)
        self.assertIn("connect", ended.stderr)


if __name__ == "__main__":
    unittest.main()

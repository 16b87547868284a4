"""A short run through a network that breaks connections. tests/chaos makes long runs."""
import os
import random
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.chaos import run_through_chaos
from support.harness import TestCase


class Chaos(TestCase):
    def test_all_files_arrive_once_when_a_third_of_all_connections_break(self):
        seed = int(os.environ.get("S3FLOW_TEST_SEED", random.randrange(2**32)))
        print(f"S3FLOW_TEST_SEED={seed}")
        broken, wrong = run_through_chaos(self.dir, 0.3, seed, small=300, large=2)
        print(dict(broken))
        self.assertEqual(wrong, [])
        self.assertGreater(len(broken), 3, "too few kinds of faults happened")


if __name__ == "__main__":
    unittest.main()

"""A test case with a Ceph gateway of its own, and a client that looks into it."""
import concurrent.futures
import hashlib
import os

from real.rgw import KEY_ID, SECRET, Rgw
from support.harness import TestCase, sha256
from support.store_client import s3_client


class CephCase(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rgw = Rgw()
        cls.addClassCleanup(cls.rgw.stop)
        cls.s3 = s3_client(cls.rgw.endpoint, KEY_ID, SECRET)
        cls.addClassCleanup(cls.s3.close)

    def rgw_job(self, bucket, endpoint=None, extra="", secret=SECRET):
        return self.job(endpoint or self.rgw.endpoint, bucket=bucket, key_id=KEY_ID, secret=secret, extra=extra)

    def stored(self, bucket, prefix=""):
        """Reads every object; returns key -> SHA-256."""
        keys = [o["Key"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                for o in page.get("Contents", [])]

        def digest(key):
            return key, sha256(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return dict(pool.map(digest, keys))

    def stored_digest(self, bucket, key, **arguments):
        """Returns the SHA-256 of one object, read piece by piece."""
        digest = hashlib.sha256()
        for piece in self.s3.get_object(Bucket=bucket, Key=key, **arguments)["Body"].iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def no_uploads_are_left(self, bucket):
        self.assertNotIn("Uploads", self.s3.list_multipart_uploads(Bucket=bucket))

    def write_large(self, name, size):
        """Writes a file of pseudo-random bytes. Returns its SHA-256."""
        path, digest = self.write(name), hashlib.sha256()
        block = os.urandom(1 << 20)
        with open(path, "wb") as file:
            for i in range(-(-size // len(block))):
                piece = (i.to_bytes(8, "little") + block[8:])[:size - i * len(block)]
                file.write(piece)
                digest.update(piece)
        return digest.hexdigest()

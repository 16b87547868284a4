"""Independent clients against the embedded endpoint: the tests rely on the endpoint, so it must behave like S3."""
import base64
import hashlib
import os
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, SECRET, Serve, TestCase, clean_environment, s3flow

import boto3
import botocore.client
import botocore.exceptions

NAMES = ["plain", "sp ace", "p+lus", "per%cent", "q?uery", "ha#sh", "am&p=eq", "uml\u00e4ut", "\U0001f600", "a/../b", "a//b", "tilde~", "quo'te\"", "semi;colon", "*star", "(paren)", "back\\slash", "@at:colon,comma"]


def run(*command, **environment):
    ended = subprocess.run(command, capture_output=True, timeout=120,
                           env=clean_environment(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET,
                                                 AWS_DEFAULT_REGION="us-east-1", **environment))
    if ended.returncode != 0:
        raise AssertionError(f"{command}: {ended.stdout.decode()}{ended.stderr.decode()}")
    return ended.stdout.decode(errors="surrogateescape")


class SecondClients(TestCase):
    def setUp(self):
        super().setUp()
        self.server = Serve(self.dir / "store")
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)

    def client(self, secret=SECRET):
        config = botocore.client.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, region_name="us-east-1")
        return boto3.client("s3", endpoint_url=self.server.endpoint, aws_access_key_id=KEY_ID, aws_secret_access_key=secret, config=config)

    def test_boto3_puts_lists_gets_and_deletes(self):
        client = self.client()
        self.addCleanup(client.close)
        for name in NAMES:
            body = name.encode() * 100
            put = client.put_object(Bucket="bucket", Key=name, Body=body, Metadata={"a": "b"}, ContentType="text/x")
            self.assertEqual(put["ETag"].strip('"'), hashlib.md5(body).hexdigest())
            got = client.get_object(Bucket="bucket", Key=name)
            self.assertEqual((got["Body"].read(), got["ContentType"], got["Metadata"]), (body, "text/x", {"a": "b"}))
            self.assertEqual(client.head_object(Bucket="bucket", Key=name)["ContentLength"], len(body))
        listed = [o["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="bucket", PaginationConfig={"PageSize": 5})
                  for o in page["Contents"]]
        self.assertEqual(sorted(listed), sorted(NAMES))
        self.assertEqual(client.get_object(Bucket="bucket", Key="plain", Range="bytes=5-9")["Body"].read(), b"plain")
        client.delete_object(Bucket="bucket", Key="plain")
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            client.get_object(Bucket="bucket", Key="plain")
        self.assertEqual(raised.exception.response["Error"]["Code"], "NoSuchKey")

    def test_boto3_gets_the_errors_of_s3(self):
        client = self.client(secret="wrong")
        self.addCleanup(client.close)
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            client.list_objects_v2(Bucket="bucket")
        self.assertEqual(raised.exception.response["Error"]["Code"], "SignatureDoesNotMatch")
        good = self.client()
        self.addCleanup(good.close)
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            good.put_object(Bucket="bucket", Key="k", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
        self.assertEqual(raised.exception.response["Error"]["Code"], "BadDigest")
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            good.list_objects_v2(Bucket="nobucket")
        self.assertEqual(raised.exception.response["Error"]["Code"], "NoSuchBucket")

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)

    def test_boto3_multipart_uploads_with_every_check(self):
        client = self.client()
        self.addCleanup(client.close)
        at = {"Bucket": "bucket", "Key": "large \u00e4+"}
        part = bytes(range(256)) * 20480  # 5 MiB
        made = client.create_multipart_upload(**at, Metadata={"a": "b"}, Tagging="k=v%20w")
        upload = {**at, "UploadId": made["UploadId"]}
        etags = {n: client.upload_part(**upload, PartNumber=n, Body=data)["ETag"]
                 for n, data in [(1, part), (2, part[::-1]), (3, b"short"), (7, b"end")]}
        named = lambda *numbers: {"Parts": [{"PartNumber": n, "ETag": etags[n]} for n in numbers]}
        listed = [p for page in client.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 2}) for p in page["Parts"]]
        self.assertEqual([(p["PartNumber"], p["Size"]) for p in listed], [(1, len(part)), (2, len(part)), (3, 5), (7, 3)])
        self.refused("InvalidPartOrder", client.complete_multipart_upload, **upload, MultipartUpload=named(2, 1))
        self.refused("EntityTooSmall", client.complete_multipart_upload, **upload, MultipartUpload=named(1, 3, 7))
        self.refused("InvalidPart", client.complete_multipart_upload, **upload,
                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etags[2]}]})
        self.refused("InvalidPart", client.complete_multipart_upload, **upload,
                     MultipartUpload={"Parts": [{"PartNumber": 4, "ETag": etags[2]}]})
        self.refused("InvalidArgument", client.upload_part, **upload, PartNumber=10001, Body=b"x")
        listed = client.list_multipart_uploads(Bucket="bucket", Prefix="large")["Uploads"]
        self.assertEqual([(u["Key"], u["UploadId"]) for u in listed], [(at["Key"], made["UploadId"])])
        done = client.complete_multipart_upload(**upload, MultipartUpload=named(1, 2, 7))
        md5s = b"".join(hashlib.md5(data).digest() for data in (part, part[::-1], b"end"))
        self.assertEqual(done["ETag"], f'"{hashlib.md5(md5s).hexdigest()}-3"')
        got = client.get_object(**at)
        self.assertEqual((got["Body"].read(), got["Metadata"]), (part + part[::-1] + b"end", {"a": "b"}))
        self.assertEqual(client.get_object(**at, Range=f"bytes={len(part) - 2}-{len(part) + 1}")["Body"].read(), part[-2:] + part[:-3:-1])
        self.assertEqual(client.get_object_tagging(**at)["TagSet"], [{"Key": "k", "Value": "v w"}])
        client.put_object_tagging(**at, Tagging={"TagSet": [{"Key": "x", "Value": "y&z"}]})
        self.assertEqual(client.get_object_tagging(**at)["TagSet"], [{"Key": "x", "Value": "y&z"}])
        self.refused("NoSuchUpload", client.complete_multipart_upload, **upload, MultipartUpload=named(1))
        self.refused("NoSuchUpload", client.abort_multipart_upload, **upload)
        self.refused("NoSuchUpload", client.list_parts, **upload)

    def test_boto3_checksums_are_verified(self):
        client = self.client()
        self.addCleanup(client.close)
        body = b"checked" * 1000
        for name in ("CRC32", "SHA1", "SHA256"):
            put = client.put_object(Bucket="bucket", Key=name, Body=body, ChecksumAlgorithm=name)
            head = client.head_object(Bucket="bucket", Key=name, ChecksumMode="ENABLED")
            self.assertEqual(put["Checksum" + name], head["Checksum" + name])
            self.refused("BadDigest", client.put_object, Bucket="bucket", Key="wrong", Body=b"other",
                         **{"Checksum" + name: put["Checksum" + name]})
        sha = hashlib.sha256(body).digest()
        self.assertEqual(base64.b64decode(head["ChecksumSHA256"]), sha)

    def test_awscli_sends_a_large_file_in_parts(self):
        aws = ["/usr/bin/aws", "--endpoint-url", self.server.endpoint, "s3"]
        file = self.write("in", os.urandom(20 << 20))
        run(*aws, "cp", str(file), "s3://bucket/large")
        run(*aws, "cp", "s3://bucket/large", str(self.dir / "out"))
        self.assertEqual((self.dir / "out").read_bytes(), file.read_bytes())
        self.server.__exit__(None, None, None)
        self.assertEqual(self.server.stats["requests"]["UploadPart"], 3)
        self.server.__enter__()

    def test_awscli_puts_lists_and_gets(self):
        aws = ["/usr/bin/aws", "--endpoint-url", self.server.endpoint, "s3"]
        file = self.write("in", b"awscli" * 5000)
        run(*aws, "mb", "s3://cli-bucket")
        run(*aws, "cp", str(file), "s3://cli-bucket/dir/a b+c")
        self.assertIn("30000 dir/a b+c", run(*aws, "ls", "--recursive", "s3://cli-bucket"))
        run(*aws, "cp", "s3://cli-bucket/dir/a b+c", str(self.dir / "out"))
        self.assertEqual((self.dir / "out").read_bytes(), file.read_bytes())

    def test_s3cmd_puts_lists_and_gets(self):
        host = self.server.endpoint.removeprefix("http://")
        s3cmd = ["/usr/bin/s3cmd", "--config=/dev/null", "--no-ssl", f"--host={host}", f"--host-bucket={host}",
                 f"--access_key={KEY_ID}", f"--secret_key={SECRET}"]
        file = self.write("in", b"s3cmd" * 5000)
        run(*s3cmd, "put", str(file), "s3://bucket/dir/a b+c")
        self.assertIn("s3://bucket/dir/a b+c", run(*s3cmd, "ls", "s3://bucket/dir/"))
        run(*s3cmd, "get", "s3://bucket/dir/a b+c", str(self.dir / "out"))
        self.assertEqual((self.dir / "out").read_bytes(), file.read_bytes())

    def test_boto3_reads_what_s3flow_uploaded(self):
        for name in NAMES:
            if "/" not in name:
                self.write(f"data/{name}", name)
        ended = s3flow("run", self.job(self.server.endpoint))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        client = self.client()
        self.addCleanup(client.close)
        for name in NAMES:
            if "/" not in name:
                self.assertEqual(client.get_object(Bucket="bucket", Key=name)["Body"].read(), name.encode())


if __name__ == "__main__":
    unittest.main()

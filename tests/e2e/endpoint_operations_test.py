"""What a test of another program needs from the endpoint besides uploads: copies, deletions, conditions, encryption headers,
limits of metadata and virtual-hosted buckets. The client is boto3, so it is not ours."""
import contextlib
import datetime
import hashlib
import socket
import sys
import unittest
import unittest.mock

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, SECRET, Serve, TestCase

import boto3
import botocore.client
import botocore.exceptions

KEYS = ["plain", "sp ace", "a/../b", "a//b", "p+lus&<>", "per%25cent", " ", "uml\u00e4ut\U0001f600", "quo'te\""]


class EndpointOperations(TestCase):
    def connect(self, *arguments, style="path", port_of=None, store="store"):
        if port_of is None:
            port_of = Serve(self.dir / store, *arguments, buckets=("bucket", "other"))
            port_of.__enter__()
            self.addCleanup(port_of.__exit__, None, None, None)
        self.server = port_of
        config = botocore.client.Config(s3={"addressing_style": style}, retries={"max_attempts": 1}, region_name="us-east-1")
        endpoint = self.server.endpoint if style == "path" else self.server.endpoint.replace("127.0.0.1", "store.test")
        client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, config=config)
        self.addCleanup(client.close)
        return client

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)

    @contextlib.contextmanager
    def headers(self, client, **headers):
        """Sends more headers than this version of boto3 knows; they are signed."""
        def add(request, **_):
            for name, value in headers.items():
                name = name.replace("_", "-")
                del request.headers[name]  # an assignment appends
                request.headers[name] = value
        client.meta.events.register_first("before-sign.s3", add)
        try:
            yield
        finally:
            client.meta.events.unregister("before-sign.s3", add)

    def keys(self, client):
        return sorted(o["Key"] for o in client.list_objects_v2(Bucket="bucket").get("Contents", []))

    def test_delete_objects_deletes_exactly_the_named_keys(self):
        client = self.connect()
        for key in KEYS + ["stays"]:
            client.put_object(Bucket="bucket", Key=key, Body=b"x")
        named = [{"Key": key} for key in KEYS[:-1] + ["absent"]]
        done = client.delete_objects(Bucket="bucket", Delete={"Objects": named})
        self.assertEqual([d["Key"] for d in done["Deleted"]], [n["Key"] for n in named])
        self.assertEqual(self.keys(client), sorted([KEYS[-1], "stays"]))
        quiet = client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": KEYS[-1]}], "Quiet": True})
        self.assertNotIn("Deleted", quiet)
        self.assertEqual(self.keys(client), ["stays"])
        version = client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "stays", "VersionId": "v1"}]})
        self.assertEqual(version["Errors"][0]["Code"], "NotImplemented", "it never pretends that a version was deleted")
        self.refused("MalformedXML", client.delete_objects, Bucket="bucket", Delete={"Objects": [{"Key": f"k{i}"} for i in range(1001)]})
        self.refused("NoSuchBucket", client.delete_objects, Bucket="nobucket", Delete={"Objects": [{"Key": "k"}]})
        with self.headers(client, Content_MD5="AAAAAAAAAAAAAAAAAAAAAA=="):
            self.refused("BadDigest", client.delete_objects, Bucket="bucket", Delete={"Objects": [{"Key": "stays"}]})
        self.assertEqual(self.keys(client), ["stays"])

    def test_copies_have_the_bytes_and_the_properties_that_s3_copies(self):
        for arguments in ([], ["--domain", "store.test"]):
            client = self.connect(*arguments, store=f"store{len(arguments)}")
            body = bytes(range(256)) * 12288  # 3 MiB
            for key in KEYS:
                client.put_object(Bucket="bucket", Key=key, Body=body, Metadata={"a": key.encode().hex()}, ContentType="text/x",
                                  Tagging="t=1", StorageClass="STANDARD_IA")
                copy = client.copy_object(Bucket="other", Key=key + " copy", CopySource={"Bucket": "bucket", "Key": key})
                self.assertEqual(copy["CopyObjectResult"]["ETag"], f'"{hashlib.md5(body).hexdigest()}"')
                self.assertEqual(copy["ResponseMetadata"]["HTTPHeaders"]["content-type"], "application/xml")
                got = client.get_object(Bucket="other", Key=key + " copy")
                self.assertEqual((got["Body"].read(), got["ContentType"], got["Metadata"]), (body, "text/x", {"a": key.encode().hex()}))
                self.assertNotIn("StorageClass", got, "the storage class is not copied")
                self.assertEqual(got["TagCount"], 1)
            client.copy_object(Bucket="other", Key="new", CopySource={"Bucket": "bucket", "Key": "plain"}, MetadataDirective="REPLACE",
                               Metadata={"b": "2"}, TaggingDirective="REPLACE", Tagging="x=y&z=w")
            got = client.head_object(Bucket="other", Key="new")
            self.assertEqual((got["Metadata"], got["ContentType"], client.get_object_tagging(Bucket="other", Key="new")["TagSet"]),
                             ({"b": "2"}, "binary/octet-stream", [{"Key": "x", "Value": "y"}, {"Key": "z", "Value": "w"}]))

    def test_a_copy_of_an_object_of_parts_is_one_whole(self):
        client = self.connect()
        upload = {"Bucket": "bucket", "Key": "parts"}
        upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
        parts = [b"1" * (5 << 20), b"2" * 100]
        tags = [client.upload_part(**upload, PartNumber=n + 1, Body=part)["ETag"] for n, part in enumerate(parts)]
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": n + 1, "ETag": tag} for n, tag in enumerate(tags)]})
        copy = client.copy_object(Bucket="bucket", Key="whole", CopySource="bucket/parts", ChecksumAlgorithm="SHA256")
        self.assertEqual(copy["CopyObjectResult"]["ETag"], f'"{hashlib.md5(b"".join(parts)).hexdigest()}"')
        self.assertEqual(client.get_object(Bucket="bucket", Key="whole")["Body"].read(), b"".join(parts))
        head = client.head_object(Bucket="bucket", Key="whole", ChecksumMode="ENABLED")
        self.assertEqual(head["ChecksumSHA256"], copy["CopyObjectResult"]["ChecksumSHA256"])

    def test_copies_that_s3_refuses(self):
        client = self.connect()
        tag = client.put_object(Bucket="bucket", Key="k", Body=b"x")["ETag"]
        copy = lambda source="bucket/k", **more: dict(Bucket="bucket", Key="copy", CopySource=source, **more)
        self.refused("NoSuchKey", client.copy_object, **copy("bucket/absent"))
        self.refused("NoSuchBucket", client.copy_object, **copy("nobucket/k"))
        self.refused("NoSuchBucket", client.copy_object, Bucket="nobucket", Key="k", CopySource="bucket/k")
        self.refused("InvalidArgument", client.copy_object, **copy("nothing"))
        self.refused("NotImplemented", client.copy_object, **copy("bucket/k?versionId=v"))
        self.refused("InvalidRequest", client.copy_object, Bucket="bucket", Key="k", CopySource="bucket/k")
        client.copy_object(Bucket="bucket", Key="k", CopySource="bucket/k", MetadataDirective="REPLACE")
        self.refused("PreconditionFailed", client.copy_object, **copy(CopySourceIfMatch='"00"'))
        self.refused("PreconditionFailed", client.copy_object, **copy(CopySourceIfNoneMatch=tag))
        client.copy_object(**copy(CopySourceIfMatch=tag))
        with self.headers(client, If_None_Match="*"):
            self.refused("PreconditionFailed", client.copy_object, **copy())
        with self.headers(client, x_amz_metadata_directive="OTHER"):
            self.refused("InvalidArgument", client.copy_object, **copy())
        with self.headers(client, x_amz_checksum_algorithm="OTHER"):
            self.refused("InvalidRequest", client.copy_object, **copy())
        self.refused("NotImplemented", client.upload_part_copy, **copy(), PartNumber=1, UploadId="u")
        discard = self.connect("--discard", store="dropped")
        discard.put_object(Bucket="bucket", Key="k", Body=b"x")
        self.refused("NotImplemented", discard.copy_object, **copy())

    def test_conditional_writes(self):
        client = self.connect()
        put = dict(Bucket="bucket", Key="k", Body=b"1")
        with self.headers(client, If_Match='"00"'):
            self.refused("NoSuchKey", client.put_object, **put)
        tag = client.put_object(**put)["ETag"]
        with self.headers(client, If_Match='""'):
            self.refused("PreconditionFailed", client.put_object, **{**put, "Body": b"2"})
        with self.headers(client, If_Match='"00"'):
            self.refused("NotImplemented", client.delete_object, Bucket="bucket", Key="k")
        with self.headers(client, If_Match='"00"'):
            self.refused("PreconditionFailed", client.put_object, **{**put, "Body": b"2"})
        with self.headers(client, If_None_Match="*"):
            self.refused("PreconditionFailed", client.put_object, **{**put, "Body": b"2"})
        with self.headers(client, If_None_Match=tag):
            self.refused("NotImplemented", client.put_object, **{**put, "Body": b"2"})
        self.assertEqual(client.get_object(Bucket="bucket", Key="k")["Body"].read(), b"1")
        with self.headers(client, If_Match=tag):
            client.put_object(**{**put, "Body": b"2"})
        upload = {"Bucket": "bucket", "Key": "k"}
        upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
        part = client.upload_part(**upload, PartNumber=1, Body=b"3")["ETag"]
        complete = dict(upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
        with self.headers(client, If_Match=tag):
            self.refused("PreconditionFailed", client.complete_multipart_upload, **complete)
        self.assertEqual(client.get_object(Bucket="bucket", Key="k")["Body"].read(), b"2")
        with self.headers(client, If_Match=f'"{hashlib.md5(b"2").hexdigest()}"'):
            client.complete_multipart_upload(**complete)
        self.assertEqual(client.get_object(Bucket="bucket", Key="k")["Body"].read(), b"3")

    def test_conditional_reads(self):
        client = self.connect()
        at = dict(Bucket="bucket", Key="k")
        tag = client.put_object(**at, Body=b"1")["ETag"]
        changed = client.head_object(**at)["LastModified"]
        early, late = changed - datetime.timedelta(hours=1), changed + datetime.timedelta(hours=1)
        for call in (client.get_object, client.head_object):
            code = lambda status, name: str(status) if call == client.head_object else name
            call(**at, IfMatch=f'"00", {tag}')
            call(**at, IfMatch=tag, IfUnmodifiedSince=early)
            call(**at, IfNoneMatch='"00"', IfModifiedSince=late)
            call(**at, IfModifiedSince=early)
            self.refused(code(412, "PreconditionFailed"), call, **at, IfMatch='"00"')
            self.refused(code(412, "PreconditionFailed"), call, **at, IfUnmodifiedSince=early)
            self.refused("304", call, **at, IfNoneMatch=tag)
            self.refused("304", call, **at, IfModifiedSince=late)

    def test_metadata_has_two_kibibytes(self):
        client = self.connect()
        at = dict(Bucket="bucket", Key="k")
        client.put_object(**at, Metadata={"ab": "x" * 1000, "cd": "y" * 1044})
        for call in (client.put_object, client.create_multipart_upload):
            self.refused("MetadataTooLarge", call, **at, Metadata={"ab": "x" * 1000, "cd": "y" * 1045})
        self.refused("MetadataTooLarge", client.copy_object, Bucket="bucket", Key="copy", CopySource="bucket/k",
                     MetadataDirective="REPLACE", Metadata={"a": "x" * 2048})

    def test_responses_repeat_the_encryption(self):
        client = self.connect()
        at = dict(Bucket="bucket", Key="k")
        kms = dict(ServerSideEncryption="aws:kms", SSEKMSKeyId="key-1", BucketKeyEnabled=True)
        shown = lambda response: {name: response.get(name) for name in kms}
        self.assertEqual(shown(client.put_object(**at, Body=b"x", **kms)), kms)
        for call in (client.head_object, client.get_object):
            self.assertEqual(shown(call(**at)), kms)
        made = client.create_multipart_upload(**at, **kms)
        self.assertEqual(shown(made), kms)
        upload = dict(at, UploadId=made["UploadId"])
        part = client.upload_part(**upload, PartNumber=1, Body=b"y")
        self.assertEqual(shown(part), kms)
        done = client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertEqual(shown(done), kms)
        copy = client.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/k")
        self.assertNotIn("ServerSideEncryption", copy, "the encryption of the source is not copied")

    def test_a_host_names_the_bucket(self):
        client = self.connect("--domain", "Store.Test", style="virtual")
        resolve = socket.getaddrinfo
        asked = []

        def local(host, *arguments, **options):
            if str(host).endswith("store.test"):
                asked.append(host)
                host = "127.0.0.1"
            return resolve(host, *arguments, **options)
        with unittest.mock.patch("socket.getaddrinfo", local):
            for key in KEYS:
                client.put_object(Bucket="bucket", Key=key, Body=key.encode())
            self.assertEqual(self.keys(client), sorted(KEYS))
            for key in KEYS:
                self.assertEqual(client.get_object(Bucket="bucket", Key=key)["Body"].read(), key.encode())
            self.refused("NoSuchBucket", client.list_objects_v2, Bucket="nobucket")
            self.assertEqual([b["Name"] for b in client.list_buckets()["Buckets"]], ["bucket", "other"])
        self.assertLessEqual({"bucket.store.test", "store.test"}, set(asked), "the bucket was in the host")
        by_path = self.connect(port_of=self.server)
        self.assertEqual(self.keys(by_path), sorted(KEYS))


if __name__ == "__main__":
    unittest.main()

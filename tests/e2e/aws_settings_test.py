"""AWS's standard settings (config/AWS.md): data is sent to the store that the settings name, and botocore reads the
settings in the same way.

Precedence: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""
import os
import re
import socket
import sys
import threading
import unittest
from unittest import mock

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, SECRET, Serve, TestCase, clean_environment, s3flow
from support.store_client import s3_client

KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}

# Settings whose values become headers, besides credentials.
BAD = '"a\\r\\nX-Injected: yes"'
IN_JOBS = [f"object: {{{key}: {BAD}}}" for key in ("content_type", "content_encoding", "content_disposition", "content_language", "cache_control",
                                                   "expires", "storage_class", "acl", "website_redirect", "kms_key_id", "lock_until", "customer_key")] + [
    f"object: {{metadata: {{a: {BAD}}}}}", f"object: {{metadata: {{{BAD}: a}}}}", f"object: {{rules: [{{match: '*', content_type: {BAD}}}]}}",
    f"object: {{rules: [{{match: '*', metadata: {{a: {BAD}}}}}]}}", f"credentials: {{access_key_id: {BAD}, secret_access_key: s}}"]
IN_SETS = ["destination.endpoint", "destination.region", "destination.proxy", "destination.bucket"]


class Base(TestCase):
    def plain_job(self, more=""):
        """Writes a job file without endpoint, region and credentials."""
        return self.write("job.yaml", f"""
source: [{{path: {self.dir / "data"}}}]
destination: {{bucket: bucket}}
report: {{progress: none, run_dir: {self.dir / "run"}}}
{more}
""")

    def shown(self, job, **environment):
        """Returns the settings that `check` prints: name -> (value, source)."""
        ended = s3flow("check", job, **environment)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        found = re.findall(r"^  (\w+): (.*)  # (.*)$", ended.stdout, re.M)
        return {name: (value.strip('"'), source) for name, value, source in found}


class LikeBotocore(Base):
    # Variables, config file, and the settings in which botocore differs.
    ROWS = [
        ({}, "", None),
        ({"AWS_ENDPOINT_URL": "http://all:4"}, "", None),
        ({"AWS_ENDPOINT_URL": "http://all:4", "AWS_ENDPOINT_URL_S3": "http://s3:5"}, "", None),
        ({"AWS_ENDPOINT_URL": "http://all:4"}, "[default]\nservices = x\n[services x]\ns3 =\n  endpoint_url = http://services:2\n", None),
        ({}, "[default]\nservices = x\nendpoint_url = http://profile:1\n[services x]\ns3 =\n  endpoint_url = http://services:2\n", None),
        ({}, "[default]\nservices = x\nendpoint_url = http://profile:1\n[services x]\nsts =\n  endpoint_url = http://services:2\n", None),
        ({}, "[default]\nendpoint_url = http://profile:1\nregion = eu-west-1\n", None),
        ({"AWS_PROFILE": "p"}, "[default]\nregion = eu-west-1\n[profile p]\nregion = eu-west-2\n", None),
        ({"AWS_DEFAULT_PROFILE": "p"}, "[default]\nregion = eu-west-1\n[profile p]\nregion = eu-west-2\n", None),
        ({"AWS_ENDPOINT_URL": "http://all:4", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "", None),
        ({"AWS_ENDPOINT_URL": "http://all:4"}, "[default]\nignore_configured_endpoint_urls = true\n", None),
        ({"AWS_DEFAULT_REGION": "eu-west-3"}, "[default]\nregion = eu-west-1\n", None),
        ({"AWS_REGION": "eu-west-3"}, "[default]\nregion = eu-west-1\n", {"region": "eu-west-1"}),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "[default]\nregion = eu-west-1\n", None),
        ({}, "[default]\nregion = eu-west-1\nuse_dualstack_endpoint = true\n", None),
        ({}, "[default]\nregion = eu-west-1\ns3 =\n  use_dualstack_endpoint = true\n", None),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "[default]\nregion = us-west-2\n", None),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "false"}, "[default]\nregion = eu-west-1\nuse_dualstack_endpoint = true\n", None),
    ]

    def botocore_says(self, environment):
        import botocore.session
        with mock.patch.dict(os.environ, environment, clear=True):
            client = botocore.session.Session().create_client("s3", aws_access_key_id="a", aws_secret_access_key="b")
            url = client.meta.endpoint_url
            client.close()
        aws = "amazonaws.com" in url
        region = client.meta.region_name
        return {"endpoint": "" if aws else url, "region": "us-east-1" if region == "aws-global" else region,
                "dualstack": str("dualstack" in url).lower(), "fips": str("fips" in url).lower()}

    def test_botocore_finds_the_same_endpoint_and_region(self):
        try:
            import botocore.configprovider
        except ImportError:
            self.skipTest("botocore is not installed")
        knows_urls = hasattr(botocore.configprovider, "ConfiguredEndpointProvider")
        compared = 0
        for number, (variables, config, differs) in enumerate(self.ROWS):
            with self.subTest(variables=variables, config=config):
                home = self.dir / f"home{number}"
                home.joinpath(".aws").mkdir(parents=True)
                home.joinpath(".aws/config").write_text(config)
                environment = clean_environment(**variables) | {"HOME": str(home)}
                if "ENDPOINT_URL" in str(variables) + config.upper() and not knows_urls:
                    continue
                shown = self.shown(self.plain_job(), **(variables | {"HOME": str(home)}))
                ours = {name: shown[name][0] for name in ("endpoint", "region", "dualstack", "fips")}
                self.assertEqual(self.botocore_says(environment), ours | (differs or {}))
                self.assertNotEqual(differs, {name: ours[name] for name in differs or {}})
                compared += 1
        self.assertGreater(compared, 7)


class ToTheirStore(Base):
    @classmethod
    def setUpClass(cls):
        import tempfile
        holder = tempfile.TemporaryDirectory(prefix="s3flow-e2e-aws-")
        cls.addClassCleanup(holder.cleanup)
        cls.first, cls.second = (Serve(f"{holder.name}/{name}") for name in ("first", "second"))
        for server in (cls.first, cls.second):
            server.__enter__()
            cls.addClassCleanup(server.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        for i in range(3):
            self.write(f"data/{self.id().rsplit('.', 1)[1]}-{i}", f"content {i}")

    def stored(self, server):
        with_name = self.id().rsplit(".", 1)[1] + "-"
        client = s3_client(server.endpoint, KEY_ID, SECRET)
        self.addCleanup(client.close)
        entries = client.list_objects_v2(Bucket="bucket", Prefix=with_name).get("Contents", [])
        return {entry["Key"]: client.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read() for entry in entries}

    def all_stored(self, server):
        self.assertEqual(sorted(self.stored(server).values()), [b"content 0", b"content 1", b"content 2"])

    def test_a_variable_names_the_store(self):
        ended = s3flow("run", self.plain_job(), **KEYS, AWS_ENDPOINT_URL_S3=self.first.endpoint, AWS_ENDPOINT_URL=self.second.endpoint)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.all_stored(self.first)
        self.assertEqual(self.stored(self.second), {})

    def test_a_profile_names_the_store(self):
        config = self.write("config", f"[profile lab]\nservices = lab\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
                                      f"retry_mode = standard\n[services lab]\ns3 =\n  endpoint_url = {self.first.endpoint}\n")
        config.chmod(0o600)
        ended = s3flow("run", self.plain_job("credentials: {profile: lab}"), AWS_CONFIG_FILE=str(config))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.all_stored(self.first)
        self.assertEqual(ended.stderr.count(f"note: {config} [profile lab] retry_mode has no effect in s3flow: set retry in the job file instead"), 1, ended.stderr)

    def test_a_run_is_not_resumed_with_another_endpoint_in_the_environment(self):
        job = self.plain_job()
        self.assertEqual(s3flow("run", job, **KEYS, AWS_ENDPOINT_URL=self.first.endpoint).returncode, 0)
        for flags in ([], ["--resume"], ["--allow-changed-job"], ["--resume", "--allow-changed-job"]):
            ended = s3flow("run", job, *flags, **KEYS, AWS_ENDPOINT_URL=self.second.endpoint)
            self.assertIn(ended.returncode, (74, 78), ended.stderr)
        self.assertEqual(self.stored(self.second), {})
        ended = s3flow("run", job, "--resume", **KEYS, AWS_ENDPOINT_URL=self.first.endpoint)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for command in (["clean", self.dir / "run"],):
            ended = s3flow(*command, **KEYS, AWS_ENDPOINT_URL=self.second.endpoint)
            self.assertEqual(ended.returncode, 78, ended.stderr)
            self.assertIn("endpoint", ended.stderr)

    def test_a_shard_does_not_run_with_another_endpoint_in_the_environment(self):
        plan, here, there = self.dir / "plan", {**KEYS, "AWS_ENDPOINT_URL": self.first.endpoint}, {**KEYS, "AWS_ENDPOINT_URL": self.second.endpoint}
        ended = s3flow("plan", self.plain_job(), "--shards", "1", "--out", plan, **here)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        shard = ["run", "--plan", plan, "--shard", "0/1"]
        for command, environment in ((shard, there), (shard, KEYS)):
            ended = s3flow(*command, **environment)
            self.assertEqual(ended.returncode, 78, ended.stderr)
            self.assertIn("has other settings on this machine than when the plan was made", ended.stderr)
        self.assertEqual(s3flow(*shard, **here).returncode, 0)
        self.assertEqual(s3flow("finish", plan, **there).returncode, 78)
        self.assertEqual(s3flow("finish", plan, **here).returncode, 0)
        self.all_stored(self.first)
        self.assertEqual(self.stored(self.second), {})

    def test_a_token_with_a_line_end_injects_nothing(self):
        job = self.plain_job("retry: {max_attempts: 1}")
        environment = {**KEYS, "AWS_ENDPOINT_URL": self.first.endpoint}
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
            ended = s3flow("run", job, **(environment | {variable: "a\r\nX-Injected: yes"}))
            self.assertEqual(ended.returncode, 77, ended.stderr)
            self.assertIn("has a control character", ended.stderr)
        ended = s3flow("run", job, **(environment | {"AWS_ACCESS_KEY_ID": KEY_ID + "\r\n", "AWS_SECRET_ACCESS_KEY": SECRET + "\n"}))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(ended.stderr.count("ends with a line end, which is ignored"), 2)
        self.all_stored(self.first)

    def test_a_proxy_with_a_line_end_injects_nothing(self):
        job = self.plain_job("retry: {max_attempts: 1}\nlimits: {outage: 100ms}")
        for proxy in ("http://user:password@127.0.0.1:{port}", "http://u%0d%0aX-Injected:%0d%0aX-Injected@127.0.0.1:{port}", "http://127.0.0.1:{port}/\r\nX-Injected: yes"):
            with self.subTest(proxy), socket.create_server(("127.0.0.1", 0)) as listener:
                received = []

                def answer():
                    while True:
                        try:
                            connection, _ = listener.accept()
                        except OSError:
                            return
                        with connection:
                            received.append(connection.recv(65536))
                thread = threading.Thread(target=answer)
                thread.start()
                ended = s3flow("run", job, "--run-dir", self.dir / f"run-{len(proxy)}", **KEYS, AWS_ENDPOINT_URL="http://store.example",
                               http_proxy=proxy.format(port=listener.getsockname()[1]))
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()
                self.assertNotEqual(ended.returncode, 0, ended.stderr)
                if "\r" not in proxy and "%0d" not in proxy:
                    self.assertIn(b"Proxy-Authorization: Basic", received[0])  # this kind of proxy gets requests
                self.assertFalse([head for head in received if b"\nX-Injected" in head], received)

    def test_no_setting_of_a_job_injects_a_header(self):
        here = {**KEYS, "AWS_ENDPOINT_URL": self.first.endpoint}
        for more in IN_JOBS:
            with self.subTest(more):
                ended = s3flow("run", self.plain_job(more), **here)
                self.assertEqual(ended.returncode, 78, ended.stderr)
                self.assertNotIn("\nX-Injected", ended.stderr)
        for key in IN_SETS:
            for value in ("http://127.0.0.1:9\r\nX-Injected: yes", "http://a\r\nX-Injected: yes:b@127.0.0.1:9", "eu\r\nX-Injected"):
                with self.subTest(key, value=value):
                    self.assertEqual(s3flow("run", self.plain_job(), "--set", "destination.proxy=${P}" if key.endswith("proxy") else f"{key}={value}", P=value, **here).returncode, 78)
        self.assertEqual(self.stored(self.first), {})
        ended = s3flow("run", self.plain_job(f"object: {{tags: {{a: {BAD}}}}}"), **here)  # tags are percent-encoded, so the run succeeds
        self.assertIn(ended.returncode, (0, 78), ended.stderr)

    def test_a_mime_type_with_a_control_character_is_ignored(self):
        types = self.write("mime.types", b"text/\x01odd odd\n")
        key = self.id().rsplit(".", 1)[1] + "-3.odd"
        self.write("data/" + key, b"odd")
        ended = s3flow("run", self.plain_job(f"object: {{mime_types: {types}}}"), **KEYS, AWS_ENDPOINT_URL=self.first.endpoint)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        client = s3_client(self.first.endpoint, KEY_ID, SECRET)
        self.addCleanup(client.close)
        self.assertEqual(client.head_object(Bucket="bucket", Key=key)["ContentType"], "application/octet-stream")

    def test_a_message_about_a_wrong_value_names_its_source(self):
        job = self.plain_job()
        for environment, words in (({"AWS_ENDPOINT_URL": "minio:9000"}, "AWS_ENDPOINT_URL: destination.endpoint: endpoint 'minio:9000' has no scheme"),
                                   ({"AWS_RETRY_MODE": "nonsense"}, "AWS_RETRY_MODE: 'nonsense' is not one of legacy, standard, adaptive"),
                                   ({"AWS_CA_BUNDLE": "/nonexistent/ca"}, "AWS_CA_BUNDLE: cannot read the CA bundle /nonexistent/ca"),
                                   ({"AWS_CONFIG_FILE": str(self.dir)}, f"{self.dir} is not a regular file")):
            with self.subTest(environment):
                ended = s3flow("run", job, **KEYS, **environment)
                self.assertEqual(ended.returncode, 78, ended.stderr)
                self.assertIn(words, ended.stderr)

    def test_an_endpoint_in_the_job_file_wins(self):
        ended = s3flow("run", self.job(self.first.endpoint), AWS_ENDPOINT_URL=self.second.endpoint, AWS_ENDPOINT_URL_S3="nonsense", AWS_PROFILE="gone")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.all_stored(self.first)
        self.assertEqual(self.shown(self.job(self.first.endpoint), AWS_ENDPOINT_URL=self.second.endpoint)["endpoint"][1], f"{self.dir}/job.yaml:6:13")


if __name__ == "__main__":
    unittest.main()

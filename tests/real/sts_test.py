"""Credentials that really expire during a run: from Ceph's own STS, with sessions of seconds."""
import base64
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from real.rgw import KEY_ID, SECRET, Rgw
from support.harness import TestCase, read_journal, s3flow, sha256

import boto3
import botocore.client

# S3FLOW_STS_SECONDS=120 makes a longer run, which takes too long for the suite.
SECONDS = float(os.environ.get("S3FLOW_STS_SECONDS", "8"))
SESSION_SECONDS = 3


def compact(document):
    """Returns JSON without spaces, since this gateway does not decode the '+' of a form to a space."""
    return json.dumps(document, separators=(",", ":"))


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """An OpenID Connect provider on loopback, which publishes its certificate and signs tokens."""

    def __init__(self, directory):
        self.key, certificate = directory / "oidc.key", directory / "oidc.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", certificate,
                        "-subj", "/CN=issuer", "-days", "2"], check=True, capture_output=True)
        der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True).stdout
        self.thumbprint = hashlib.sha1(der).hexdigest().upper()
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                documents = {"/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/certs"},
                             "/certs": {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k",
                                                  "x5c": [base64.b64encode(der).decode()]}]}}
                body = json.dumps(documents.get(self.path, {})).encode()
                self.send_response(200 if self.path in documents else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self):
        now = int(time.time())
        claims = {"iss": self.url, "sub": "batch-job", "aud": "s3flow-tests", "client_id": "s3flow-tests",
                  "iat": now - 10, "nbf": now - 10, "exp": now + 3600}
        text = ".".join(url64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT", "kid": "k"}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return f"{text}.{url64(signature)}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class StsTest(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rgw = Rgw(sts=True)
        cls.addClassCleanup(cls.rgw.stop)
        cls.issuer = Issuer(cls.rgw.top)
        cls.addClassCleanup(cls.issuer.stop)
        keys = {"endpoint_url": cls.rgw.endpoint, "aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        cls.s3 = boto3.client("s3", **keys)
        cls.addClassCleanup(cls.s3.close)
        # boto3 would refuse sessions of seconds, which AWS does not have.
        cls.sts = boto3.client("sts", **keys, config=botocore.client.Config(parameter_validation=False))
        cls.addClassCleanup(cls.sts.close)
        iam = boto3.client("iam", **keys)
        cls.addClassCleanup(iam.close)
        iam.create_open_id_connect_provider(Url=cls.issuer.url, ClientIDList=["s3flow-tests"], ThumbprintList=[cls.issuer.thumbprint])
        trust = {"user-role": ("sts:AssumeRole", {"AWS": ["arn:aws:iam:::user/test"]}, {}),
                 "web-role": ("sts:AssumeRoleWithWebIdentity", {"Federated": [f"arn:aws:iam:::oidc-provider/{cls.issuer.host}"]},
                              {"Condition": {"StringEquals": {f"{cls.issuer.host}:app_id": "s3flow-tests"}}})}
        allow_all = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}]}
        for role, (action, principal, condition) in trust.items():
            statement = {"Effect": "Allow", "Principal": principal, "Action": [action], **condition}
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=compact({"Version": "2012-10-17", "Statement": [statement]}))
            iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=compact(allow_all))

    def config(self, text):
        path = pathlib.Path(self.write("aws-config", text))
        path.chmod(0o600)
        return str(path)

    def link_files(self, begin, end):
        """Makes thousands of files quickly, as hard links to a few files. Returns key -> SHA-256."""
        digests = []
        for i in range(16):
            data = os.urandom(4096 + i)
            digests.append(sha256(data))
            self.write(f"contents/{begin}-{i}", data)
        written = {}
        for i in range(begin, end):
            directory = self.dir / f"data/{i // 1000}"
            directory.mkdir(parents=True, exist_ok=True)
            os.link(self.dir / f"contents/{begin}-{i % 16}", directory / str(i))
            written[f"{i // 1000}/{i}"] = digests[i % 16]
        return written

    def session_client(self, service, session):
        keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"]}
        return boto3.client(service, endpoint_url=self.rgw.endpoint, region_name="us-east-1", **keys)

    def upload_over_many_expiries(self, bucket, reader, **environment):
        self.s3.create_bucket(Bucket=bucket)
        environment.update(AWS_ENDPOINT_URL_STS=self.rgw.endpoint)
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\n"
                         f"destination: {{bucket: {bucket}, endpoint: '{self.rgw.endpoint}'}}\nupload: {{concurrency: 64}}\n")
        # Measures how many objects a second this gateway accepts, to compute the number of objects for a run of
        # SECONDS.
        written = self.link_files(0, 1000)
        began = time.monotonic()
        ended = s3flow("run", job, "--run-dir", self.dir / "first", **environment)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        count = int(1000 / (time.monotonic() - began) * SECONDS * 1.2)
        written |= self.link_files(1000, 1000 + count)
        ended = s3flow("run", job, "--run-dir", self.dir / "run", timeout=SECONDS * 10 + 300, **environment)
        summary = json.loads((self.dir / "run/summary.json").read_text())
        print(f"\n{bucket}: {summary['uploaded']} objects in {summary['seconds']:.1f} s, "
              f"{summary['credential_renewals']} renewals, {summary['retries']} retries")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual((summary["uploaded"], summary["failed"]), (len(written), 0))
        self.assertIn(f"credentials renewed: {summary['credential_renewals']}", ended.stdout)
        # Each session was valid for SESSION_SECONDS: fewer renewals could not have signed the whole run.
        self.assertGreaterEqual(summary["credential_renewals"], summary["seconds"] / SESSION_SECONDS - 1)
        self.assertGreaterEqual(summary["credential_renewals"], 2, "the run was too short to show anything")
        self.assertEqual(len(read_journal(self.dir / "run")), len(written))
        stats = json.loads(self.rgw.run("radosgw-admin", "bucket", "stats", f"--bucket={bucket}"))
        self.assertEqual(stats["usage"]["rgw.main"]["num_objects"], len(written))
        for key in list(written)[::max(1, len(written) // 500)]:
            self.assertEqual(sha256(reader.get_object(Bucket=bucket, Key=key)["Body"].read()), written[key], key)

    def test_a_run_outlives_many_sessions_of_an_assumed_role(self):
        config = self.config(f"[profile batch]\nrole_arn = arn:aws:iam:::role/user-role\nsource_profile = base\n"
                             f"duration_seconds = {SESSION_SECONDS}\n[profile base]\naws_access_key_id = {KEY_ID}\n"
                             f"aws_secret_access_key = {SECRET}\n")
        self.upload_over_many_expiries("assumed", self.s3, AWS_CONFIG_FILE=config, AWS_PROFILE="batch")

    def test_a_run_outlives_many_sessions_of_a_web_identity(self):
        token = self.write("token", self.issuer.token())
        config = self.config(f"[default]\nduration_seconds = {SESSION_SECONDS}\n")
        # Such a session owns the objects that it uploads, so the owner of the bucket cannot read them.
        session = self.sts.assume_role_with_web_identity(RoleArn="arn:aws:iam:::role/web-role", RoleSessionName="reader",
                                                         WebIdentityToken=self.issuer.token())["Credentials"]
        reader = self.session_client("s3", session)
        self.addCleanup(reader.close)
        self.upload_over_many_expiries("webbed", reader, AWS_CONFIG_FILE=config, AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
                                       AWS_ROLE_ARN="arn:aws:iam:::role/web-role")

    def test_a_wrong_secret_is_denied_and_stops_the_run(self):
        self.s3.create_bucket(Bucket="wrong")
        self.link_files(0, 1000)
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\n"
                         f"destination: {{bucket: wrong, endpoint: '{self.rgw.endpoint}'}}\nreport: {{run_dir: {self.dir}/run}}\n")
        ended = s3flow("run", job, AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY="wrong")
        self.assertEqual(ended.returncode, 77, ended.stderr)
        self.assertIn("AccessDenied", ended.stderr.splitlines()[-1])
        summary = json.loads((self.dir / "run/summary.json").read_text())
        self.assertEqual(summary["uploaded"], 0)
        self.assertLess(summary["found"], 500, "the run continued although everything was denied")

    def test_a_run_whose_keys_expire_and_cannot_be_renewed_ends_with_75(self):
        self.s3.create_bucket(Bucket="ending")
        self.link_files(0, 20_000)
        job = self.write("job.yaml", f"source: [{{path: {self.dir}/data}}]\n"
                         f"destination: {{bucket: ending, endpoint: '{self.rgw.endpoint}'}}\nreport: {{run_dir: {self.dir}/run}}\n")
        session = self.sts.assume_role(RoleArn="arn:aws:iam:::role/user-role", RoleSessionName="ending",
                                       DurationSeconds=SESSION_SECONDS)["Credentials"]
        ended = s3flow("run", job, AWS_ACCESS_KEY_ID=session["AccessKeyId"], AWS_SECRET_ACCESS_KEY=session["SecretAccessKey"],
                       AWS_SESSION_TOKEN=session["SessionToken"], AWS_CREDENTIAL_EXPIRATION=session["Expiration"].isoformat())
        summary = json.loads((self.dir / "run/summary.json").read_text())
        self.assertEqual(ended.returncode, 75, ended.stderr)
        self.assertEqual(summary["failed"], 0, ended.stderr)
        self.assertGreater(summary["uploaded"], 0)
        self.assertIn("the credentials have expired (AWS_ACCESS_KEY_ID): their source cannot renew them", ended.stderr)
        self.assertEqual(ended.stderr.count("have expired"), 1, ended.stderr)
        self.assertNotIn(session["SessionToken"][:12], ended.stderr + ended.stdout)
        uploaded = {line["key"] for line in read_journal(self.dir / "run") if line["outcome"] == "uploaded"}
        stats = json.loads(self.rgw.run("radosgw-admin", "bucket", "stats", "--bucket=ending"))
        self.assertEqual(stats["usage"]["rgw.main"]["num_objects"], len(uploaded))


if __name__ == "__main__":
    unittest.main()

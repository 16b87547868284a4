"""The command line and environment with which each client uploads the files of a directory.

Each function gets the row of the matrix, the directory of its files, the sink's URL and a scratch directory.
It returns (argv, extra environment). A client is told the row's number of requests in flight and part size if
it has such settings and the row is `tuned`. Checks that the sink does not support are switched off. """
import os
import pathlib
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[1]
MIB = 1 << 20


def s3flow(row, data, url, scratch):
    shutil.rmtree(scratch / "run", ignore_errors=True)
    job = scratch / "job.yaml"
    lines = [f"source: [{{path: {data}}}]", f"destination: {{bucket: bench, prefix: run/, endpoint: '{url}'}}", "report: {progress: none}"]
    lines += tuned(row, f"upload: {{concurrency: {row['concurrency']}, part_size: {row['part_size']}}}",
                   f"integrity: {{payload: {row['payload']}, checksum: {row['checksum']}}}")
    job.write_text("\n".join(lines) + "\n")
    settings = [part for setting in row["set"] for part in ("--set", setting)]
    if row["tls"]:
        settings += ["--set", f"destination.ca_file={os.environ['BENCH_CA']}"]
    return [path("s3flow"), "run", job, "--run-dir", scratch / "run", *settings], {}


def s3flow_libcurl(row, data, url, scratch):
    """s3flow with the transport in which libcurl carries the requests."""
    argv, extra = s3flow(row, data, url, scratch)
    return [*argv, "--set", "upload.transport=libcurl"], extra


def s5cmd(row, data, url, scratch):
    check = ["--no-verify-ssl"] if row["tls"] else []
    return [path("s5cmd"), "--log", "error", "--endpoint-url", url, *check, *tuned(row, "--numworkers", fixed(row)), "cp",
            *tuned(row, "--concurrency", fixed(row), "--part-size", row["part_bytes"] // MIB), f"{data}/*", "s3://bench/run/"], {}


def rclone(row, data, url, scratch):
    check = ["--no-check-certificate"] if row["tls"] else []
    return [path("rclone"), "--config", "/dev/null", "copy", *check, "--s3-provider", "Other", "--s3-endpoint", url, "--s3-env-auth",
            "--s3-force-path-style", "--s3-no-check-bucket", "--s3-no-head", "--no-traverse", "--ignore-checksum", "--ignore-times",
            *tuned(row, "--transfers", fixed(row), "--checkers", fixed(row), "--s3-upload-concurrency", "4", "--s3-chunk-size",
                   f"{row['part_bytes'] // MIB}Mi"), data, ":s3:bench/run"], {}


def awscli(row, data, url, scratch):
    config = scratch / "aws.ini"
    config.write_text("[default]\nregion = us-east-1\ns3 =\n  addressing_style = path\n" +
                      "".join(tuned(row, f"  max_concurrent_requests = {fixed(row)}\n", f"  multipart_chunksize = {row['part_bytes']}\n",
                                    f"  multipart_threshold = {row['part_bytes']}\n")))
    check = ["--no-verify-ssl"] if row["tls"] else []
    return [path("awscli"), "--endpoint-url", url, *check, "s3", "cp", "--recursive", "--only-show-errors", data, "s3://bench/run/"], {
        "AWS_CONFIG_FILE": str(config)}


def s3cmd(row, data, url, scratch):
    host = url.split("://")[1]
    tls = ["--ssl", "--no-check-certificate"] if row["tls"] else ["--no-ssl"]
    return [path("s3cmd"), "-c", "/dev/null", "--access_key", "bench", "--secret_key", "bench-secret", "--host", host, "--host-bucket", host,
            *tls, "--quiet", "--no-progress", *tuned(row, "--multipart-chunk-size-mb", row["part_bytes"] // MIB), "put", "--recursive",
            f"{data}/", "s3://bench/run/"], {}


ALL = {function.__name__: function for function in (s3flow, s3flow_libcurl, s5cmd, rclone, awscli, s3cmd)}
OURS = ("s3flow", "s3flow_libcurl")


def tuned(row, *settings):
    return settings if row["tuned"] else ()


def fixed(row):
    """The number of requests in flight for clients that cannot adapt: 64, a usual setting, when the row says
    auto."""
    return 64 if row["concurrency"] == "auto" else row["concurrency"]


def path(name):
    if name in OURS:
        return os.environ.get("S3FLOW", str(TOP / "build/release/s3flow"))
    return shutil.which({"awscli": "aws"}.get(name, name))


def version(name):
    argument = "version" if name in ("s5cmd", "rclone") else "--version"
    text = subprocess.run([path(name), argument], capture_output=True, text=True).stdout
    return text.splitlines()[0].strip() if text else "unknown"

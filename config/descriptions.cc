#include "config/descriptions.h"

namespace config {
namespace {

constexpr Description kAll[] = {
    {"source[].path",
     "A directory, or one file. A directory is walked with all its subdirectories. \"-\" is standard input "
     "and needs `stream: true`. Required.",
     "./data"},
    {"source[].prefix",
     "Each key of this root is `destination.prefix`, then this prefix, then the path below the root.",
     "raw/"},
    {"source[].include",
     "Globs. If the list is not empty, only files that match one of the globs are uploaded. \"*.dat\" "
     "matches in every directory, \"sub/**\" matches all files below sub.",
     "[\"*.dat\", \"sub/**\"]"},
    {"source[].exclude",
     "Globs. A file that matches is left out, even if `include` matches, too. A glob that ends with \"/\" "
     "leaves out whole directories, which are not walked.",
     "[\"*.tmp\", \"cache/\"]"},
    {"source[].include_from",
     "Files with more globs for `include`, one a line. Empty lines and lines that begin with \"#\" are "
     "ignored, "
     "and spaces around a glob. A file without a glob is an error.",
     "wanted.globs"},
    {"source[].exclude_from", "Files with more globs for `exclude`, written like those of `include_from`.",
     "[site.globs, mine.globs]"},
    {"source[].min_size", "Files with fewer bytes are left out. Empty: no limit.", "1B"},
    {"source[].max_size", "Files with more bytes are left out. Empty: no limit.", "5GiB"},
    {"source[].newer_than",
     "Only files are taken whose mtime is this or later: an age before the start of the run, such as 30d or "
     "12h; a date (its begin in UTC); or a time with its zone. A plan uses the time at which it was made.",
     "30d"},
    {"source[].older_than", "Only files are taken whose mtime is before this; see `newer_than`.",
     "2026-01-31T12:00:00Z"},
    {"source[].exclude_caches",
     "true: leaves out each directory with a file CACHEDIR.TAG that begins with the signature of caches, as "
     "tar "
     "--exclude-caches does, and the tag itself, too.",
     "true"},
    {"source[].files_from",
     "A file with one name a line. Only these files are uploaded; `path` must be a directory, and is not "
     "walked. Names are relative to `path`, or absolute and below it; `include` and `exclude` apply to them. "
     "\"-\" is standard input. Empty lines are ignored. A name without a file fails. A repeated name is "
     "skipped.",
     "names.txt"},
    {"source[].files_from0",
     "Like `files_from`, but each name ends with a NUL, as `find -print0` and `s3flow report --format failed "
     "-0` write them.",
     "failed.list"},
    {"source[].follow_symlinks",
     "true: follows symbolic links below the root. false: skips each symbolic link and records it.", "true"},
    {"source[].threads",
     "The largest number of threads that walk this root at once. More than one thread walks only while "
     "uploads wait for files.",
     "16"},
    {"source[].page_cache",
     "keep: reads through the page cache. drop: removes the pages of a file from the page cache after "
     "reading. bypass: reads with O_DIRECT.",
     "drop"},
    {"source[].keep_atime",
     "true: reads with O_NOATIME, which leaves the access time of your own files unchanged.", "true"},
    {"source[].change_check",
     "How s3flow detects a file that changes while it is read. content: compares size and mtime; if only the "
     "ctime changed, reads the file again and compares the content. times: compares size and mtime. none: "
     "compares nothing after the file is opened, so an object may mix several versions of the file. When a "
     "file "
     "is opened, its size must be the one that was found.",
     "times"},
    {"source[].allow_empty",
     "true: a source without files is a success. false: a source without files ends the run with exit status "
     "66.",
     "true"},
    {"source[].stream",
     "true: `path` is a stream (\"-\" for standard input, a FIFO or similar), which becomes one object.",
     "true"},
    {"source[].key", "For a stream: the object's key below the prefix. Empty: the last part of `path`.",
     "dump.sql.gz"},
    {"source[].size",
     "The number of bytes that a stream must have. If it has another length, no object is created. Empty: "
     "any length.",
     "10GiB"},
    {"destination.bucket", "The bucket. It must exist. Required.", "my-results"},
    {"destination.prefix", "The text before every key. s3flow adds no \"/\".", "run42/"},
    {"destination.endpoint",
     "The URL of the store. Empty ('') is AWS. If the job file has no such key, AWS's own settings are used "
     "(AWS.md).",
     "http://127.0.0.1:7480"},
    {"destination.region",
     "The region for which requests are signed. If the key is absent, the first of these is used: the region "
     "in the endpoint's host name, AWS_REGION, the region of the AWS profile, us-east-1.",
     "eu-central-1"},
    {"destination.profile",
     "Selects what s3flow knows of the store: its limits and the features that it supports. auto: chooses "
     "the profile from the endpoint's host name.",
     "ceph"},
    {"destination.addressing",
     "path: https://host/bucket/key. virtual: https://bucket.host/key. auto: the form that the store's "
     "profile names.",
     "path"},
    {"destination.endpoints",
     "Several URLs of one store, instead of `endpoint`. Each request is sent to the least busy endpoint that "
     "works.",
     "[http://gw1:7480, http://gw2:7480]"},
    {"destination.dualstack", "true: uses AWS's endpoint for both IPv6 and IPv4.", "true"},
    {"destination.fips", "true: uses AWS's FIPS endpoint (validated cryptography).", "true"},
    {"destination.accelerate", "true: uses AWS's Transfer Acceleration.", "true"},
    {"destination.ca_file",
     "A PEM file with the certificate authorities that are trusted for the store and for an https proxy. "
     "Empty: "
     "AWS_CA_BUNDLE, else SSL_CERT_FILE and SSL_CERT_DIR, else the system's authorities.",
     "/etc/ssl/site.pem"},
    {"destination.ca_directory",
     "A directory with the trusted certificate authorities, in the form that c_rehash creates.",
     "/etc/ssl/site"},
    {"destination.client_certificate", "A PEM file with a client certificate, for stores that require one.",
     "client.pem"},
    {"destination.client_key",
     "A PEM file with the private key of `client_certificate`. Empty: the key is in the file of the "
     "certificate.",
     "client.key"},
    {"destination.proxy",
     "auto: the proxy from the environment (HTTPS_PROXY and similar variables). none: no proxy. Otherwise a "
     "URL: http://, https://, socks5:// or socks5h://HOST:PORT.",
     "\"${MY_PROXY}\""},
    {"destination.no_proxy", "Hosts that are reached without the proxy. Empty: the hosts in NO_PROXY.",
     "a.example,b.example"},
    {"credentials.access_key_id",
     "The access key ID. If all keys of this section are empty, AWS's chain of credential sources is used.",
     "\"${MY_KEY_ID}\""},
    {"credentials.secret_access_key", "The secret access key. Never shown or recorded.", "\"${MY_SECRET}\""},
    {"credentials.session_token", "The session token of temporary credentials. Never shown or recorded.",
     "\"${MY_TOKEN}\""},
    {"credentials.profile",
     "A profile of ~/.aws/config or ~/.aws/credentials. If set, it is the only source of credentials.",
     "lab"},
    {"upload.concurrency",
     "The number of requests in flight. auto: s3flow measures which number gives the most throughput.", "64"},
    {"upload.threads",
     "The largest number of threads that read, hash and sign. 0: one for each core that the process may use.",
     "8"},
    {"upload.event_loops",
     "The number of threads that send and encrypt. 0: s3flow derives it from the number of cores.", "2"},
    {"upload.transport",
     "libcurl: libcurl carries whole exchanges. direct: libcurl connects only. auto: libcurl if an http "
     "endpoint is behind a proxy, or if the proxy's URL has a user; otherwise direct. `check` says which one "
     "and why.",
     "libcurl"},
    {"upload.part_size",
     "The size of a part. Parts are larger if a file would otherwise have more parts than the store allows "
     "(10,000 for most stores), and grow with the length of a stream. `limits.memory` may make them smaller.",
     "64MiB"},
    {"upload.multipart_threshold", "Files above this size are uploaded in parts.", "100MiB"},
    {"retry.max_attempts", "The largest number of attempts for a request, including the first.", "5"},
    {"retry.base_delay",
     "The delay before retry n is random, between 0 and base_delay * 2^(n-1), but at most `cap`.", "500ms"},
    {"retry.cap", "The longest delay between two attempts.", "60s"},
    {"integrity.payload",
     "sha256: signs the SHA-256 of each body. unsigned: sends UNSIGNED-PAYLOAD, so only TLS protects the "
     "body. streaming: signs each chunk of a body.",
     "unsigned"},
    {"integrity.checksum",
     "The checksum that is sent and compared with the response. auto: crc64nvme on AWS, md5 on other stores.",
     "crc32c"},
    {"integrity.checksum_as",
     "header: computes the checksum before sending. trailer: computes it while sending, if the store "
     "supports trailers.",
     "trailer"},
    {"integrity.verify",
     "none: no further check. head: sends HeadObject after each upload, and compares size and checksum or "
     "ETag.",
     "head"},
    {"integrity.changed_file_retries",
     "How often the upload of a file starts again because the file changed while it was read. After that the "
     "file fails as `changed`.",
     "5"},
    {"object.content_type",
     "Content-Type. Empty: derived from the file name's extension, else application/octet-stream.",
     "text/csv"},
    {"object.content_encoding", "Content-Encoding.", "gzip"},
    {"object.content_disposition", "Content-Disposition.", "attachment"},
    {"object.content_language", "Content-Language.", "en"},
    {"object.cache_control", "Cache-Control.", "max-age=3600"},
    {"object.expires", "Expires, an HTTP date.", "\"Thu, 01 Dec 2033 16:00:00 GMT\""},
    {"object.storage_class", "The storage class. Empty: the bucket's default.", "STANDARD_IA"},
    {"object.acl", "A canned ACL. Empty: no ACL is sent.", "bucket-owner-full-control"},
    {"object.website_redirect", "The target to which a bucket website redirects requests for this object.",
     "/index.html"},
    {"object.metadata",
     "User metadata. Each name becomes a header x-amz-meta-NAME. A value that comes from \"${VAR}\" is not "
     "shown or recorded.",
     "{run: \"42\"}"},
    {"object.tags", "The object's tags, at most 10.", "{team: physics}"},
    {"object.encryption",
     "Encryption at rest. default: the bucket's setting. s3: SSE-S3. kms and kms_dsse: SSE-KMS and DSSE-KMS.",
     "kms"},
    {"object.kms_key_id", "The ID of the KMS key. Needs `encryption: kms` or `kms_dsse`.", "alias/lab"},
    {"object.customer_key", "An encryption key of your own (SSE-C). Never shown or recorded.",
     "\"${MY_KEY}\""},
    {"object.if_none_match",
     "true: never replaces an object. A file whose key exists is skipped. If the store may ignore the "
     "condition, s3flow first sends a HeadObject for each key.",
     "true"},
    {"object.lock_mode", "Object Lock: the retention mode. Needs `lock_until`.", "governance"},
    {"object.lock_until", "Object Lock: the end of the retention, in UTC.", "2027-01-31T00:00:00Z"},
    {"object.legal_hold", "Object Lock: true sets a legal hold.", "true"},
    {"object.posix", "true: stores owner, group, mode and times of the file as metadata (file-owner, ...).",
     "true"},
    {"object.mime_types", "The file that maps extensions to content types.", "/etc/mime.types"},
    {"object.rules",
     "Properties for some files. All rules that match are applied in order, so a later rule overrides an "
     "earlier one. A rule has `match` and any key of this section except posix, mime_types and rules.",
     "[{match: \"*.html\", cache_control: max-age=60}]"},
    {"limits.memory", "The largest amount of memory for all request bodies together.", "2GiB"},
    {"limits.connect_timeout", "The longest time for name resolution, TCP and TLS together.", "5s"},
    {"limits.stall_window",
     "If a request moves fewer than `stall_bytes` in this time, it is cancelled and sent again.", "60s"},
    {"limits.stall_bytes", "The bytes that a request must move in each `stall_window`.", "1KiB"},
    {"limits.completion_window",
     "While the store assembles the parts of an object, the longer of this time and `stall_window` applies.",
     "15m"},
    {"limits.response_timeout", "The longest time from the first to the last byte of a response.", "1m"},
    {"limits.bandwidth",
     "The largest number of body bytes per second. 0: no limit. SIGHUP makes a run read this key again.",
     "100MiB"},
    {"limits.requests_per_second",
     "The largest number of requests per second. 0: no limit. SIGHUP makes a run read this key again.",
     "200"},
    {"limits.outage",
     "How long the store may be unreachable or full before the run stops with exit status 75. 0: s3flow "
     "waits forever.",
     "1h"},
    {"limits.time", "The run stops with exit status 75 after this time, and can be resumed. 0: no limit.",
     "2h"},
    {"limits.margin", "Under Slurm: the run stops this long before the end of the Slurm job.", "5m"},
    {"limits.drain", "The longest time for requests in flight to finish after a stop.", "60s"},
    {"limits.on_failure",
     "When failed inputs stop the run. continue: never. stop: at the first failure. stop_after: N: at the "
     "Nth "
     "failure. stop_above: P%: when more than P % of the inputs with a result have failed, and at least 100 "
     "inputs have a result.",
     "\"stop_above: 5%\""},
    {"resume.skip",
     "Which files are skipped because their object already exists. never: none. journal: unchanged files "
     "that the run directory records as uploaded. size_mtime: files with an object of the same size that was "
     "stored in a later second than the file's mtime. checksum: files with an object of the same content. "
     "if_none_match: files with any object under their key.",
     "size_mtime"},
    {"report.run_dir", "The run directory. Empty: s3flow-runs/TIME-PID.", "/scratch/run42"},
    {"report.progress",
     "auto: a progress area on a terminal, otherwise lines. bar, lines: always this form. json: one JSON "
     "object for each line. none: no progress output.",
     "lines"},
    {"report.progress_interval", "The time between two lines of progress.", "5s"},
    {"report.log",
     "failures: prints failures only. objects: also prints every start, retry and result. quiet: prints only "
     "messages that end the run.",
     "objects"},
    {"report.log_file",
     "A file to which the same events are appended, with time stamps. Empty: no such file.",
     "/scratch/run42.log"},
    {"report.log_format", "text or json: the format of `log_file`; without `log_file`, of stderr.", "json"},
    {"report.trace_http",
     "A file that logs every request and response, without bodies and secrets. Empty: no such file.",
     "trace.log"},
    {"report.journal",
     "full: a result line has all that is known about the object. compact: for journals of millions of "
     "files. "
     "If an input did not fail, its line has no request ID, no checksum besides SHA-256, and fewer digits. "
     "When the run is complete, `journal.jsonl` is compressed to `journal.jsonl.zst`, which all commands "
     "read, and `zstdcat` too.",
     "compact"},
    {"report.prices",
     "Prices for the cost estimate of `--dry-run`: put and get for 1,000 requests each, gib_month for one "
     "GiB stored for a month.",
     "{put: 0.005, get: 0.0004, gib_month: 0.023}"},
    {"report.on_end",
     "A program and its arguments. s3flow runs it, without a shell, at the end of each session of a run, "
     "even "
     "if the run failed or was stopped. The variables S3FLOW_STATUS, S3FLOW_RUN_DIR, S3FLOW_SUMMARY, "
     "S3FLOW_JOURNAL, S3FLOW_MESSAGE and the counts (S3FLOW_FOUND, S3FLOW_UPLOADED, ...) tell it the result. "
     "It does not change the exit status. Do not put secrets here. Empty: no program.",
     "[/usr/local/bin/notify, --team, storage]"},
    {"report.on_end_timeout",
     "The longest time for report.on_end. After it, the program and its children get SIGTERM, and SIGKILL 5 "
     "s "
     "later.",
     "5m"},
};

constexpr Description kFaults[] = {
    {"faults[].operation", "The S3 operation. \"*\": every operation.", "PutObject"},
    {"faults[].key", "A glob over the key.", "\"*/file2\""},
    {"faults[].attempts", "Which attempts get the fault: a number, a range, or all.", "1-2"},
    {"faults[].every", "n: only every n-th matching request gets the fault.", "10"},
    {"faults[].action",
     "status: replies with `status` and `code`. reset: resets the connection after the headers. "
     "reset_in_body: resets it after `after_bytes` of the body. no_answer: never replies. lost_answer: "
     "executes the request, then resets. delay: waits for `delay`. wrong_etag: replies with another ETag. "
     "error_in_200: replies with 200 and an error in the body. cut_body: sends only `after_bytes` of the "
     "reply's body. flip_bit: changes one bit of the received body.",
     "status"},
    {"faults[].applied",
     "true: status, error_in_200 and no_answer happen after the request has been executed and stored.",
     "true"},
    {"faults[].status", "The HTTP status of the reply.", "503"},
    {"faults[].code", "The S3 error code of the reply.", "SlowDown"},
    {"faults[].retry_after_s", "Sent as Retry-After, in seconds. -1: not sent.", "2"},
    {"faults[].after_bytes", "How many bytes are received or sent before the fault happens.", "64KiB"},
    {"faults[].delay", "How long the reply is delayed.", "3s"},
};

}  // namespace

std::span<const Description> Descriptions() { return kAll; }

std::span<const Description> FaultDescriptions() { return kFaults; }

}  // namespace config

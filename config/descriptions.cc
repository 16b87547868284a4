#include "config/descriptions.h"

namespace config {
namespace {

constexpr Description kAll[] = {
    {"source[].path",
     "A directory, which is walked with all its subdirectories, or one file. \"-\" is standard input, with "
     "`stream: true`. Required.",
     "./data"},
    {"source[].prefix",
     "Stands between `destination.prefix` and the path below the root in each key of this root.", "raw/"},
    {"source[].include",
     "Globs. If there are any, only files that match one are uploaded. \"*.dat\" matches in every "
     "directory, "
     "\"sub/**\" all below sub.",
     "[\"*.dat\", \"sub/**\"]"},
    {"source[].exclude",
     "Globs. Leaves out what matches, even if `include` matches, too. A glob that ends with \"/\" leaves "
     "out "
     "directories and does not enter them.",
     "[\"*.tmp\", \"cache/\"]"},
    {"source[].follow_symlinks",
     "true: follows symbolic links below the root. false: records each as skipped.", "true"},
    {"source[].threads",
     "The most threads that walk this root at once. More than one work only while the uploads wait for the "
     "walk.",
     "16"},
    {"source[].page_cache",
     "keep: reads through the page cache. drop: drops the pages of a file after reading. bypass: reads "
     "with "
     "O_DIRECT.",
     "drop"},
    {"source[].keep_atime",
     "true: reads with O_NOATIME, so that the access time of your own files stays as it is.", "true"},
    {"source[].change_check",
     "What shows, beside the size, that a file changed while it was read. content: its mtime; if only its "
     "ctime moved, the file is read again and compared. times: its mtime alone. none: nothing, so an "
     "object "
     "may mix two versions.",
     "times"},
    {"source[].allow_empty", "true: a source without files is a success. false: it ends with exit status 66.",
     "true"},
    {"source[].stream",
     "true: `path` is \"-\" (standard input), a FIFO or another stream, and becomes one object.", "true"},
    {"source[].key", "For a stream: the name of the object below the prefix. Empty: the last part of `path`.",
     "dump.sql.gz"},
    {"source[].size",
     "The number of bytes that a stream must have. With another length no object is made. Empty: any "
     "length.",
     "10GiB"},
    {"destination.bucket", "The bucket. It must exist. Required.", "my-results"},
    {"destination.prefix", "Stands before every key, byte for byte.", "run42/"},
    {"destination.endpoint",
     "The URL of the store. '' means AWS. If the job file has no endpoint, it is read from AWS's settings "
     "(AWS.md).",
     "http://127.0.0.1:7480"},
    {"destination.region",
     "The region that requests are signed for. If the key is absent: the region in the endpoint's name, "
     "AWS_REGION, the profile's region, then us-east-1.",
     "eu-central-1"},
    {"destination.profile",
     "What is known of the store: its limits and what it takes. auto: by the endpoint's host.", "ceph"},
    {"destination.addressing",
     "path: https://host/bucket/key. virtual: https://bucket.host/key. auto: what the store's profile "
     "says.",
     "path"},
    {"destination.endpoints",
     "Several URLs of one store, instead of `endpoint`. Each request takes the least busy one that works.",
     "[http://gw1:7480, http://gw2:7480]"},
    {"destination.dualstack", "true: AWS's endpoint with IPv6 and IPv4.", "true"},
    {"destination.fips", "true: AWS's endpoint with validated cryptography.", "true"},
    {"destination.accelerate", "true: AWS's Transfer Acceleration.", "true"},
    {"destination.ca_file", "A PEM file of certificate authorities. Empty: AWS_CA_BUNDLE, else the system's.",
     "/etc/ssl/site.pem"},
    {"destination.ca_directory", "A directory of certificate authorities, as c_rehash makes it.",
     "/etc/ssl/site"},
    {"destination.client_certificate", "A PEM file with a client certificate, for stores that ask for one.",
     "client.pem"},
    {"destination.client_key", "A PEM file with its key. Empty: the key is in `client_certificate`.",
     "client.key"},
    {"destination.proxy",
     "auto: HTTPS_PROXY and the other variables. none: no proxy. Or http://, https://, socks5:// or "
     "socks5h://HOST:PORT.",
     "\"${MY_PROXY}\""},
    {"destination.no_proxy", "Hosts that are reached without the proxy. Empty: NO_PROXY.",
     "a.example,b.example"},
    {"credentials.access_key_id",
     "The access key ID. If all keys of this section are empty, AWS's chain is asked.", "\"${MY_KEY_ID}\""},
    {"credentials.secret_access_key", "The secret access key. Never shown or recorded.", "\"${MY_SECRET}\""},
    {"credentials.session_token", "The session token of temporary credentials. Never shown or recorded.",
     "\"${MY_TOKEN}\""},
    {"credentials.profile",
     "A profile of ~/.aws/config or ~/.aws/credentials. No other source is asked then.", "lab"},
    {"upload.concurrency",
     "The number of slots: how many requests are in flight. auto: finds how many the store answers faster "
     "for.",
     "64"},
    {"upload.threads",
     "The most threads that read, hash and sign. 0: one for each core that the process may use.", "8"},
    {"upload.event_loops", "The number of threads that send and encrypt. 0: by the number of cores.", "2"},
    {"upload.transport",
     "libcurl: libcurl carries whole exchanges. direct: libcurl connects only. auto: direct, but libcurl "
     "where "
     "a proxy needs it. `check` says which one and why.",
     "libcurl"},
    {"upload.part_size", "The size of a part. It grows by itself if a file would have over 10,000 parts.",
     "64MiB"},
    {"upload.multipart_threshold", "Larger files are uploaded in parts.", "100MiB"},
    {"retry.max_attempts", "How often a request is sent at most, the first time included.", "5"},
    {"retry.base_delay",
     "The delay before retry n is random: between 0 and the smaller of base_delay * 2^n and `cap`.", "500ms"},
    {"retry.cap", "The longest delay between two attempts.", "60s"},
    {"integrity.payload",
     "sha256: signs the SHA-256 of each body. unsigned: sends UNSIGNED-PAYLOAD and trusts TLS. streaming: "
     "signs chunks.",
     "unsigned"},
    {"integrity.checksum",
     "The checksum that is sent and compared with the response. auto: crc64nvme on AWS, md5 elsewhere.",
     "crc32c"},
    {"integrity.checksum_as",
     "header: computes the checksum before sending. trailer: while sending, if the store takes it.",
     "trailer"},
    {"integrity.verify",
     "head: asks with HeadObject after each upload, and compares size and checksum or ETag.", "head"},
    {"integrity.changed_file_retries",
     "How often a file that changes while it is read starts over. After that it fails as `changed`.", "5"},
    {"object.content_type", "Content-Type. Empty: by the extension, else application/octet-stream.",
     "text/csv"},
    {"object.content_encoding", "Content-Encoding.", "gzip"},
    {"object.content_disposition", "Content-Disposition.", "attachment"},
    {"object.content_language", "Content-Language.", "en"},
    {"object.cache_control", "Cache-Control.", "max-age=3600"},
    {"object.expires", "Expires, an HTTP date.", "\"Thu, 01 Dec 2033 16:00:00 GMT\""},
    {"object.storage_class", "The storage class. Empty: the bucket's.", "STANDARD_IA"},
    {"object.acl", "A canned ACL. Empty: none is sent.", "bucket-owner-full-control"},
    {"object.website_redirect", "Where a website's visitor is sent instead.", "/index.html"},
    {"object.metadata",
     "Metadata: each name becomes a header x-amz-meta-NAME. A value that comes from \"${VAR}\" is not "
     "shown "
     "or recorded.",
     "{run: \"42\"}"},
    {"object.tags", "At most 10 tags.", "{team: physics}"},
    {"object.encryption",
     "Encryption at rest: default is the bucket's; s3 is SSE-S3; kms and kms_dsse use KMS.", "kms"},
    {"object.kms_key_id", "The key of KMS. Needs `encryption: kms` or kms_dsse.", "alias/lab"},
    {"object.customer_key", "A key of your own (SSE-C). Never shown or recorded.", "\"${MY_KEY}\""},
    {"object.if_none_match",
     "true: never replaces an object; an existing key is skipped. If the store may ignore the condition, "
     "s3flow asks for each key first.",
     "true"},
    {"object.lock_mode", "Object Lock: the retention mode. Needs `lock_until`.", "governance"},
    {"object.lock_until", "Object Lock: the end of the retention, in UTC.", "2027-01-31T00:00:00Z"},
    {"object.legal_hold", "Object Lock: true sets a legal hold.", "true"},
    {"object.posix", "true: keeps owner, group, mode and times as metadata (file-owner, ...).", "true"},
    {"object.mime_types", "The file that says which content type an extension has.", "/etc/mime.types"},
    {"object.rules",
     "Properties for some files. All rules that match apply in order; the last one wins. A rule has "
     "`match` "
     "and any key of this section but posix, mime_types and rules.",
     "[{match: \"*.html\", cache_control: max-age=60}]"},
    {"limits.memory", "The most memory for all request bodies together.", "2GiB"},
    {"limits.connect_timeout", "How long name resolution, TCP and TLS may take together.", "5s"},
    {"limits.stall_window",
     "An exchange that moves fewer than `stall_bytes` in this time is cancelled and tried again.", "60s"},
    {"limits.stall_bytes", "See `stall_window`.", "1KiB"},
    {"limits.completion_window",
     "Replaces `stall_window` while the store assembles the parts of a large object.", "15m"},
    {"limits.response_timeout", "How long a response may take from its first byte to its last.", "1m"},
    {"limits.bandwidth", "The most bytes of bodies per second. 0: no limit. SIGHUP reads it again.",
     "100MiB"},
    {"limits.requests_per_second", "The most requests per second. 0: no limit. SIGHUP reads it again.",
     "200"},
    {"limits.outage",
     "How long the store may be away or full before the run stops with 75. 0: it waits for ever.", "1h"},
    {"limits.time", "The run stops with 75 after this time, and can be resumed. 0: no limit.", "2h"},
    {"limits.margin", "Under Slurm: how long before the end of the job the run stops.", "5m"},
    {"limits.drain", "How long requests in flight may take after a stop.", "60s"},
    {"limits.on_failure",
     "When failed inputs stop the run: never (continue), at the first (stop), at a number, or above a "
     "share "
     "of all inputs.",
     "\"stop_above: 5%\""},
    {"resume.skip",
     "Which files are not uploaded because they are there. journal: what the run directory says is "
     "uploaded and has not changed. size_mtime: an object of that size that was stored in a later second "
     "than the file changed. checksum: an object with that content. if_none_match: any object.",
     "size_mtime"},
    {"report.run_dir", "The run directory. Empty: s3flow-runs/TIME-PID.", "/scratch/run42"},
    {"report.progress", "auto: a bar on a terminal, else lines.", "lines"},
    {"report.log", "failures: prints failures. objects: prints every start, retry and result, too.",
     "objects"},
    {"report.trace_http", "A file for every request and response, without bodies and secrets. Empty: none.",
     "trace.log"},
    {"report.prices",
     "Prices that `--dry-run` uses: put and get for 1,000 requests each, gib_month for storage.",
     "{put: 0.005, get: 0.0004, gib_month: 0.023}"},
};

}  // namespace

std::span<const Description> Descriptions() { return kAll; }

}  // namespace config

// The options of the embedded endpoint, and the faults that it can inject.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "s3/base/secret.h"
#include "s3/stores/store_profiles.h"

namespace s3::endpoint {

enum class FaultAction {
  kStatus,        // reply with `status` and the S3 error `code`; nothing is stored unless `applied`
  kResetBefore,   // reset the connection after the request's headers
  kResetInBody,   // reset the connection after `after_bytes` of the request's body
  kNoResponse,    // read the request, then wait until the client closes; nothing is stored unless `applied`
  kLostResponse,  // execute the request, then reset the connection instead of replying
  kDelay,         // wait for `delay`, then continue as usual
  kWrongEtag,     // execute the request and reply with an ETag that is not the object's
  kErrorIn200,    // reply with 200 and an <Error> with `code` in the body; nothing is stored unless `applied`
  kCutBody,       // execute the request and send only the first `after_bytes` of the reply's body
  kFlipBit,       // flip one bit of the request's body, at a position that the endpoint chooses
};

// Injects one fault into some requests. Attempts are counted from 1 for each pair of operation and key.
struct FaultRule {
  std::string operation = "*";  // S3's name: "PutObject"; "*" for all
  std::string key = "**";       // glob, see s3/glob.h
  int first_attempt = 1;
  int last_attempt = 1;
  int every = 1;  // n: the fault applies to every n-th matching request only
  FaultAction action = FaultAction::kStatus;
  int status = 500;
  std::string code = "InternalError";
  int retry_after_s = -1;  // sent as Retry-After if not negative
  std::uint64_t after_bytes = 0;
  std::chrono::milliseconds delay{0};
  // For kStatus, kErrorIn200 and kNoResponse. True: the request is executed and its effect is stored, then
  // the fault happens.
  bool applied = false;
};

enum class Storage {
  kMemory,
  kDirectory,  // files below ServerOptions::directory; objects of earlier runs are loaded
  kDiscard,    // bodies are hashed and dropped; sizes, ETags and SHA-256 are kept
};

// How the endpoint treats If-None-Match and If-Match of writes.
enum class Conditions {
  kKept,               // every operation obeys it
  kIgnoredOnComplete,  // only CompleteMultipartUpload ignores it, like Ceph 16
  kIgnored,            // every operation ignores it
};

// Limits how long a client may keep the endpoint waiting, and how much a client may send. If a client exceeds
// a limit, the endpoint closes the connection and stores nothing of the request. The endpoint's own time does
// not count.
struct ClientLimits {
  std::chrono::milliseconds idle{60'000};    // before the first byte of a request
  std::chrono::milliseconds header{30'000};  // from the first byte to the end of the headers
  // While the endpoint waits for the client, at least `stall_bytes` of a body or a reply must move in each
  // `stall_window`.
  std::chrono::milliseconds stall_window{30'000};
  std::uint64_t stall_bytes = 16 << 10;
  std::uint32_t header_bytes = 64 << 10;
  std::size_t headers = 128;
  int connections = 8192;  // further connections wait to be accepted
};

// One request that the endpoint has answered or whose connection it has reset.
struct RequestRecord {
  std::string method;
  std::string operation;         // S3's name: "PutObject"; empty if the endpoint does not support it
  std::string path;              // bucket and key, percent-encoded, without the query
  int status = 0;                // of the reply; 0 if the connection was closed without one
  std::uint64_t body_bytes = 0;  // the request's Content-Length
  std::chrono::duration<double> took{0};
  bool has_fault = false;  // true if a fault was injected
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // 0: any free port
  std::string region = "us-east-1";
  // Requests to the host BUCKET.DOMAIN are for that bucket. In lower case; empty: only the path names
  // buckets.
  std::string domain = {};
  // Set both or neither. If neither is set, the server creates random ones: see Server::credentials().
  std::string access_key_id;
  Secret secret_access_key;
  Storage storage = Storage::kMemory;
  std::string directory;
  std::vector<std::string> buckets;        // created at the start
  std::chrono::milliseconds latency{0};    // added before each reply
  double jitter = 0;                       // if not 0, latencies are log-normal: median `latency`, this sigma
  std::uint64_t bandwidth_bytes = 0;       // of request bodies per second, for all connections; 0: no limit
  int requests_per_second = 0;             // requests above this rate are answered with SlowDown; 0: no limit
  std::uint64_t min_part_bytes = 5 << 20;  // for all parts except the last
  // The endpoint refuses the requests that this store is known to refuse. Null: none. Must outlive the
  // server.
  const StoreProfile* emulated_profile = nullptr;
  // Names in lower case. A request with one of these headers is refused with NotImplemented.
  std::vector<std::string> refused_headers;
  Conditions conditions = Conditions::kKept;
  std::vector<FaultRule> faults;
  // Called after each request, by the server's threads, possibly by several at a time. Null: none.
  std::function<void(const RequestRecord&)> on_request;
  int threads = 1;
  ClientLimits clients;
};

}  // namespace s3::endpoint

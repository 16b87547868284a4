// The options of the embedded endpoint, and the faults that it can inject.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "s3/base/secret.h"
#include "s3/stores/store_profiles.h"

namespace s3::endpoint {

enum class FaultAction {
  kStatus,        // reply with `status` and the S3 error `code`; nothing is stored
  kResetBefore,   // reset the connection after the request's headers
  kResetInBody,   // reset the connection after `after_bytes` of the request's body
  kNoResponse,    // read the request, then send nothing until the client closes; nothing is stored
  kLostResponse,  // execute the request, then reset the connection instead of replying
  kDelay,         // wait for `delay`, then continue as usual
  kWrongEtag,     // execute the request and reply with an ETag that is not the object's
  kErrorIn200,    // reply with 200 and an <Error> with `code` in the body
  kCutBody,       // execute the request and send only the first `after_bytes` of the reply's body
  kFlipBit,       // flip one bit of the request's body, at a position that the endpoint chooses
};

// Applies to the requests of one operation and key. Attempts are counted from 1 for each operation and key.
struct FaultRule {
  std::string operation = "*";  // S3's name: "PutObject"; "*" for all
  std::string key = "**";       // glob, see s3/glob.h
  int first_attempt = 1;
  int last_attempt = 1;
  int every = 1;  // n: only every n-th of the matching requests
  FaultAction action = FaultAction::kStatus;
  int status = 500;
  std::string code = "InternalError";
  int retry_after_s = -1;  // sent as Retry-After if not negative
  std::uint64_t after_bytes = 0;
  std::chrono::milliseconds delay{0};
  // kStatus, kErrorIn200 and kNoResponse: execute the request first.
  bool applied = false;
};

enum class Storage {
  kMemory,
  kDirectory,  // files below ServerOptions::directory; objects of earlier runs are loaded
  kDiscard,    // bodies are hashed and dropped; sizes, ETags and SHA-256 are kept
};

// How If-None-Match: * is treated.
enum class Conditions {
  kKept,
  kIgnoredOnComplete,  // only CompleteMultipartUpload ignores it, like Ceph 16
  kIgnored,
};

// How long a client may keep the endpoint waiting, and how much it may send. If a client exceeds a limit, its
// connection is closed and its request is not stored. Time that the endpoint itself needs does not count.
struct ClientLimits {
  std::chrono::milliseconds idle{60'000};    // before the first byte of a request
  std::chrono::milliseconds header{30'000};  // from the first byte to the end of the headers
  // At least `stall_bytes` of a body or a reply must move in each `stall_window` of waiting for the client.
  std::chrono::milliseconds stall_window{30'000};
  std::uint64_t stall_bytes = 16 << 10;
  std::uint32_t header_bytes = 64 << 10;
  std::size_t headers = 128;
  int connections = 8192;  // further connections wait to be accepted
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // 0: any free port
  std::string region = "us-east-1";
  // Set both or neither. If neither is set, the server creates random ones: see Server::credentials().
  std::string access_key_id;
  Secret secret_access_key;
  Storage storage = Storage::kMemory;
  std::string directory;
  // Created at the start.
  std::vector<std::string> buckets;
  std::chrono::milliseconds latency{0};  // added before each reply
  double jitter = 0;                  // not 0: latencies are log-normal with median `latency` and this sigma
  std::uint64_t bandwidth_bytes = 0;  // of request bodies per second, for all connections; 0: no limit
  int requests_per_second = 0;        // requests above this rate are answered with SlowDown; 0: no limit
  std::uint64_t min_part_bytes = 5 << 20;  // for all parts but the last
  // Refuses the requests that this store is known to refuse; null refuses none. Must stay valid forever.
  const StoreProfile* emulated_profile = nullptr;
  // Names in lower case: a request with one of these headers is refused with NotImplemented.
  std::vector<std::string> refused_headers;
  Conditions conditions = Conditions::kKept;
  std::vector<FaultRule> faults;
  int threads = 1;
  ClientLimits clients;
};

}  // namespace s3::endpoint

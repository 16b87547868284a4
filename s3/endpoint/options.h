// What steers the embedded endpoint, and the faults it can be told to make.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "s3/base/secret.h"
#include "s3/stores/store_profiles.h"

namespace s3::endpoint {

enum class FaultAction {
  kStatus,       // answer `status` with the S3 error `code`; nothing is stored
  kResetBefore,  // reset the connection after the request's headers
  kResetInBody,  // reset the connection after `after_bytes` of the request's body
  kNoAnswer,     // read the request, then say nothing until the client leaves; nothing is stored
  kLostAnswer,   // carry the request out, then reset the connection instead of answering
  kDelay,        // wait `delay`, then carry on as usual
  kWrongEtag,    // carry the request out and answer with an ETag that is not the object's
  kErrorIn200,   // answer 200 and an <Error> of `code` in the body
  kCutBody,      // carry the request out and answer with the first `after_bytes` of the body
  kFlipBit,      // flip one bit of the request's body, at a place of the endpoint's choice
};

// Applies to the requests of one operation and key, counted per operation and key from 1.
struct FaultRule {
  std::string operation = "*";  // S3's name, as "PutObject"; "*" for all
  std::string key = "**";       // glob, see s3/glob.h
  int first_attempt = 1;
  int last_attempt = 1;
  int every = 1;  // of the requests that the rule is for only each so-many-th
  FaultAction action = FaultAction::kStatus;
  int status = 500;
  std::string code = "InternalError";
  int retry_after_s = -1;  // sent as Retry-After when not negative
  std::uint64_t after_bytes = 0;
  std::chrono::milliseconds delay{0};
  // kStatus, kErrorIn200 and kNoAnswer: carry the request out first.
  bool applied = false;
};

enum class Storage {
  kMemory,
  kDirectory,  // files below ServerOptions::directory; objects of earlier runs are found again
  kDiscard,    // bodies are hashed and dropped: sizes, ETags and SHA-256 stay known
};

// What becomes of If-None-Match: *.
enum class Conditions {
  kKept,
  kIgnoredOnComplete,  // by CompleteMultipartUpload alone, as Ceph 16 does
  kIgnored,
};

// What a client may keep the endpoint waiting for, and take of it. One that does more is left: its connection
// is closed, and what it sent is not stored. Time that the endpoint itself takes does not count.
struct ClientLimits {
  std::chrono::milliseconds idle{60'000};    // before the first byte of a request
  std::chrono::milliseconds header{30'000};  // from there to the end of its headers
  // So many bytes of a body, or of an answer, must move while the endpoint waits for the client that long.
  std::chrono::milliseconds stall_window{30'000};
  std::uint64_t stall_bytes = 16 << 10;
  std::uint32_t header_bytes = 64 << 10;
  std::size_t headers = 128;
  int connections = 8192;  // more wait to be accepted
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // 0: a free one
  std::string region = "us-east-1";
  // Both, or neither: then the server makes random ones, see Server::credentials().
  std::string access_key_id;
  Secret secret_access_key;
  Storage storage = Storage::kMemory;
  std::string directory;
  // Created at the start, as an operator would have done.
  std::vector<std::string> buckets;
  std::chrono::milliseconds latency{0};  // added before each answer
  double jitter = 0;                  // 0, or latencies are log-normal: `latency` is their median, this sigma
  std::uint64_t bandwidth_bytes = 0;  // request body bytes per second, all connections; 0: no limit
  int requests_per_second = 0;        // what is more is answered SlowDown; 0: no limit
  std::uint64_t min_part_bytes = 5 << 20;  // of all parts but the last
  // Refuses what this store is known to refuse; null for none, which takes all. Lives for ever.
  const StoreProfile* imitated = nullptr;
  std::vector<std::string>
      refused_headers;  // lower case; a request with one of them is answered NotImplemented
  Conditions conditions = Conditions::kKept;
  std::vector<FaultRule> faults;
  int threads = 1;
  ClientLimits clients;
};

}  // namespace s3::endpoint

// The options of an Uploader: where to upload, with which credentials, and how much of the machine to use.
// Plain values. Each field is initialized with its default.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace s3flow {

// The keys that sign requests. If `access_key_id` is empty, the keys come from the profile in AWS's shared
// files that `profile` names; if `profile` is empty, too, from AWS's provider chain: environment, shared
// files, web identity, container, EC2. Keys that expire are renewed.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string profile;
};

enum class Addressing {
  kAuto,     // kVirtual on AWS, kPath at nearly every other store
  kPath,     // https://host/bucket/key
  kVirtual,  // https://bucket.host/key
};

// The checksum that the store compares. The SHA-256 in each request's signature protects the data in any
// case.
enum class Checksum {
  kAuto,  // CRC64NVME on AWS, MD5 at nearly every other store
  kNone,
  kMd5,
  kCrc32c,
  kCrc64Nvme,
  kSha256,
};

struct Options {
  std::string bucket;
  std::string prefix;    // put in front of every key, unchanged; no slash is added
  std::string endpoint;  // "https://host[:port]"; empty: AWS's endpoint for `region`
  std::string region = "us-east-1";
  std::string store_profile = "auto";  // what the store supports, as destination.profile in a job file
  Addressing addressing = Addressing::kAuto;
  Credentials credentials;
  std::string ca_file;  // PEM; empty: the system's certificate authorities
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds stall_window{
      30'000};  // an exchange that transfers nothing for so long is repeated

  Checksum checksum = Checksum::kAuto;
  // True: a HeadObject after each object compares size, ETag and checksum.
  bool verify = false;

  int max_attempts = 8;  // of each request, including the first
  // The delay before retry n (counted from 0) is random, from 0 to min(max_delay, base_delay * 2^n).
  std::chrono::milliseconds base_delay{200};
  std::chrono::milliseconds max_delay{20'000};
  // While the store is unreachable or full, uploads wait and use up no attempts. After this time the uploader
  // stops, and every open and later input is cancelled. 0: it waits without limit.
  std::chrono::milliseconds outage{900'000};
  // How long requests in flight may take to finish after Uploader::Cancel(), and in the destructor.
  std::chrono::milliseconds drain{5'000};

  // The maximum number of requests in flight. Each holds a small stack and a connection. 0: the uploader
  // finds the number itself.
  int concurrency = 0;
  // The number of threads that read, hash and sign. They are the uploader's own, and none of oneTBB's
  // workers. 0: two, or one if the process may use only one core.
  int threads = 0;
  int event_loops = 0;  // threads that send and encrypt; 0: one or more, by the number of cores
  // The memory for the bodies of all requests that are read from files. Buffers are not copied and do not
  // count.
  std::uint64_t memory_bytes = 256ull << 20;
  std::uint64_t part_bytes = 16ull << 20;
  std::uint64_t multipart_threshold_bytes = 32ull << 20;  // larger objects are uploaded in parts

  // Limits for all requests of this uploader together; 0: no limit.
  std::uint64_t bandwidth_bytes_per_second = 0;
  std::uint64_t requests_per_second = 0;

  // A run directory, which gets a journal: a later uploader with the same directory and store skips files
  // that are stored and have not changed, and resumes large uploads. `s3flow report` reads it. One uploader
  // at a time. Empty: nothing is recorded.
  std::string run_dir;

  // Receives messages for people, such as "the store does not answer", on any thread. It must not block or
  // throw. Null: the messages are dropped. The library itself writes nothing to stdout or stderr.
  std::function<void(std::string_view)> notice;
};

}  // namespace s3flow

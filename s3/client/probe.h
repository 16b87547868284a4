// Asks a store what it takes: a few small requests under one key, which is deleted again.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/client/client.h"
#include "s3/stores/store_profiles.h"

namespace s3 {

enum class ProbeOutcome {
  kWorks,
  kChecked,  // taken when it is right, refused when it is wrong
  kIgnored,  // taken when it is wrong, too
  kRefused,  // not taken when it is right
};

struct ProbeRow {
  std::string_view name;  // "put", "checksum crc32c"; see Probe
  ProbeOutcome outcome = ProbeOutcome::kWorks;
  std::string detail;  // what the store said, without secrets; may be empty
};

struct ProbeReport {
  std::vector<ProbeRow> rows;
  // Of the first PutObject, when it failed: then there are no other rows.
  std::optional<Error> refusal;
  std::optional<std::chrono::microseconds> round_trip;  // median of several HeadObjects
  std::optional<std::chrono::seconds> clock_offset;     // the store's clock minus ours
  std::string server;                                   // what its Server header says; may be empty
  bool own_etags = false;    // that of an object of parts is not made of their MD5s
  bool left_behind = false;  // the object could not be deleted

  const ProbeRow* Find(std::string_view name) const;
};

// What Date headers say of the store's clock: each is of a second that had begun when it was written, and
// that was between sending and receiving.
class ClockComparison {
 public:
  using Time = std::chrono::system_clock::time_point;

  void Add(Time date, Time sent, Time received);
  // The store's clock minus ours; zero when they may be the same. Nothing before the first Add.
  std::optional<std::chrono::seconds> offset() const;

 private:
  std::optional<Time::duration> least_, most_;
};

// What the requests are made with.
struct ProbeContext {
  std::function<std::unique_ptr<Client>(const IntegrityOptions&)> client;
  IntegrityOptions integrity;  // the job's, resolved
  std::string key;             // of the probe's own
  // Of the job's objects; what would keep the object from being written twice or deleted is left out.
  ObjectProperties properties;
};

// Rows, as far as the store lets it come: "put", "head", "multipart", "if_none_match" (with PutObject),
// "if_none_match parts" (with CompleteMultipartUpload), "payload sha256", "payload unsigned", "payload
// streaming", "checksum md5" and the others, "trailer crc32c", "delete". Takes some seconds at most where the
// store answers. Blocks.
ProbeReport Probe(const ProbeContext& context);

// The profiles that contradict nothing of what was seen, and of those the ones that explain most of it.
std::vector<const StoreProfile*> FittingProfiles(const ProbeReport& report);

// What to do about it, a line each; may be empty. `profile`: that of the job.
std::vector<std::string> AdviceOf(const ProbeReport& report, const IntegrityOptions& integrity,
                                  const StoreProfile& profile);

}  // namespace s3

// Finds out which features a store supports. Sends a few small requests for one key, and then deletes the
// object.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/client/client.h"

namespace s3 {

enum class ProbeOutcome {
  kWorks,
  kChecked,  // accepted when correct, refused when wrong
  kIgnored,  // accepted even when wrong
  kRefused,  // refused although correct
};

struct ProbeRow {
  std::string_view name;  // "put", "checksum crc32c"; see Probe
  ProbeOutcome outcome = ProbeOutcome::kWorks;
  std::string detail;  // the store's error, without secrets; may be empty
};

struct ProbeReport {
  std::vector<ProbeRow> rows;
  // The error of the first PutObject. When it is set, `rows` is empty.
  std::optional<Error> refusal;
  std::optional<std::chrono::microseconds> round_trip;  // median of several HeadObjects
  std::optional<std::chrono::seconds> clock_offset;     // the store's clock minus ours
  std::string server;                                   // the store's Server header; may be empty
  bool own_etags = false;    // the ETag of a multipart object is not made of its parts' MD5s
  bool left_behind = false;  // the object could not be deleted

  const ProbeRow* Find(std::string_view name) const;
};

// Computes the offset of the store's clock from Date headers. The server writes the Date at a moment between
// sending the request and receiving the response, rounded down to a second. So each Date bounds the offset on
// both sides.
class ClockComparison {
 public:
  using Time = std::chrono::system_clock::time_point;

  void Add(Time date, Time sent, Time received);
  // Returns the store's clock minus ours; zero when the clocks may be equal. Returns nothing before the first
  // Add().
  std::optional<std::chrono::seconds> offset() const;

 private:
  std::optional<Time::duration> min_, max_;
};

// The client and the data that the probe uses.
struct ProbeContext {
  std::function<std::unique_ptr<Client>(const IntegrityOptions&)> client;
  IntegrityOptions integrity;  // the job's, resolved
  std::string key;             // a key that nothing else uses
  // The properties of the job's objects. The probe leaves out properties that would prevent a second write or
  // the deletion.
  ObjectProperties properties;
};

// Runs the probe. If the first PutObject fails, the report has no rows. Otherwise it has these: "put",
// "head", "multipart", "if_none_match" (PutObject), "if_none_match parts" (CompleteMultipartUpload; missing
// if no upload can be created), "payload sha256", "payload unsigned", "payload streaming", "checksum md5" and
// the other checksums, "trailer crc32c", "delete". Blocks; takes a few seconds at most when the store
// responds.
ProbeReport Probe(const ProbeContext& context);

}  // namespace s3

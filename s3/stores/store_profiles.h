// Tables of the S3 features that each store supports, and functions that adapt a job's options to a store.
// Pure functions, any thread. s3/client/probe.h finds out the features of a real store with requests.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "s3/options.h"
#include "s3/part_plan.h"

namespace s3 {

// Says if a store accepts a feature. With kVaries, the answer depends on the store's version or settings, or
// is unknown. s3flow then does what the job file says.
enum class Takes { kYes, kNo, kVaries };

struct StoreProfile {
  std::string_view name;  // the value of destination.profile
  // A host belongs to the store when its name ends with one of these suffixes, or equals a suffix without the
  // leading dot. Empty for software that runs on hosts of any name.
  std::array<std::string_view, 2> host_suffixes{};
  // True when the label before the suffix is the region, as in s3.us-west-004.backblazeb2.com.
  bool region_in_host = false;
  // The beginning of the Server header in the store's responses; empty when this header does not identify the
  // store.
  std::string_view server_header{};
  // The region to use when the host does not name a region; empty when the job decides.
  std::string_view region{};
  bool virtual_hosted = false;                           // what Addressing::kAuto selects
  ChecksumAlgorithm checksum = ChecksumAlgorithm::kMd5;  // what ChecksumAlgorithm::kAuto selects
  Takes checksum_headers = Takes::kVaries;               // x-amz-checksum-...
  Takes crc64nvme = Takes::kVaries;
  Takes trailers = Takes::kVaries;                // checksums after the body
  Takes streaming = Takes::kVaries;               // signed chunks
  Takes conditions = Takes::kVaries;              // If-None-Match: * with PutObject
  Takes conditions_on_complete = Takes::kVaries;  // the same with CompleteMultipartUpload
  Takes tags = Takes::kVaries;
  // True when the ETag of a multipart object is the MD5 of its parts' MD5s.
  bool etag_of_parts_is_md5 = true;
  StoreLimits limits{};
};

// Returns all profiles; "generic" is the first.
std::span<const StoreProfile> StoreProfiles();

// Returns null when there is no profile of that name.
const StoreProfile* FindStoreProfile(std::string_view name);

// Returns the profile that `destination` names. If it names none, returns the profile that matches its host,
// or else "generic".
const StoreProfile& ProfileOf(const DestinationOptions& destination);

// Returns the region that the endpoint's host or the profile fixes; nothing when the job decides.
std::optional<std::string> RegionOf(const DestinationOptions& destination);

// Resolves `integrity` for the store: replaces kAuto by a checksum, and sets whether the ETag of parts is
// compared and which conditions the store keeps.
IntegrityOptions ResolveIntegrity(IntegrityOptions integrity, const DestinationOptions& destination);

// Returns a message that names an option of `integrity` which the store is known to refuse; nothing if there
// is no such option.
std::optional<std::string> IntegrityProblem(const IntegrityOptions& integrity, const StoreProfile& profile);

}  // namespace s3

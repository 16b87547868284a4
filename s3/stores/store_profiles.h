// What the stores that speak S3 take and do not take, as data; and what a job's options mean at one of
// them. Pure, any thread. What is measured and not remembered: s3/client/probe.h.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "s3/options.h"
#include "s3/part_plan.h"

namespace s3 {

// kVaries: by version or setting of the store, or nobody has looked. It is tried as the job says.
enum class Takes { kYes, kNo, kVaries };

struct StoreProfile {
  std::string_view name;  // as destination.profile has it
  // Hosts that end with one of these, or are it without its dot; none for software that anybody runs.
  std::array<std::string_view, 2> host_suffixes{};
  // The label before the suffix is the region, as in s3.us-west-004.backblazeb2.com.
  bool region_in_host = false;
  // How the Server header of its answers begins; empty when it says nothing.
  std::string_view server_header{};
  // When the host does not say it; empty: whatever the job says.
  std::string_view region{};
  bool virtual_hosted = false;                           // what Addressing::kAuto means
  ChecksumAlgorithm checksum = ChecksumAlgorithm::kMd5;  // what ChecksumAlgorithm::kAuto means
  Takes checksum_headers = Takes::kVaries;               // x-amz-checksum-...
  Takes crc64nvme = Takes::kVaries;
  Takes trailers = Takes::kVaries;                // checksums behind the body
  Takes streaming = Takes::kVaries;               // signed chunks
  Takes conditions = Takes::kVaries;              // If-None-Match: * with PutObject
  Takes conditions_on_complete = Takes::kVaries;  // the same with CompleteMultipartUpload
  Takes tags = Takes::kVaries;
  // The ETag of an object that came as parts is made of their MD5s.
  bool etag_of_parts_is_md5 = true;
  StoreLimits limits{};
};

std::span<const StoreProfile> StoreProfiles();

// Nothing for a name that is none.
const StoreProfile* FindStoreProfile(std::string_view name);

// The one that `destination` names, or its host shows; "generic" when neither does.
const StoreProfile& ProfileOf(const DestinationOptions& destination);

// The region that the profile or the endpoint's name fixes; nothing when it is the job's to say.
std::optional<std::string> RegionOf(const DestinationOptions& destination);

// `integrity` as the store needs it: the checksum that kAuto stands for, which ETags to compare, and which
// conditions it keeps.
IntegrityOptions ResolveIntegrity(IntegrityOptions integrity, const DestinationOptions& destination);

// What `integrity` asks for and the store is known to refuse; nothing when there is no such thing.
std::optional<std::string> IntegrityProblem(const IntegrityOptions& integrity, const StoreProfile& profile);

}  // namespace s3

#include "s3/stores/store_profiles.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/hash/checksum.h"
#include "s3/uri.h"

namespace s3 {
namespace {

using enum Takes;

constexpr StoreLimits MaxParts(int max_parts) {
  StoreLimits limits;
  limits.max_parts = max_parts;
  return limits;
}

constexpr StoreLimits EqualParts() {
  StoreLimits limits;
  limits.equal_parts = true;
  return limits;
}

// Contains only known facts. A wrong kNo would keep users from a feature that works. So a feature is kNo only
// when the store's documentation or its users report that.
constexpr StoreProfile kProfiles[] = {
    {.name = "generic"},
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html and
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    {.name = "aws",
     .host_suffixes = {".amazonaws.com", ".amazonaws.com.cn"},
     .region_in_host = true,
     .server_header = "AmazonS3",
     .virtual_hosted = true,
     .checksum = ChecksumAlgorithm::kCrc64Nvme,
     .checksum_headers = kYes,
     .crc64nvme = kYes,
     .trailers = kYes,
     .streaming = kYes,
     .conditions = kYes,
     .conditions_on_complete = kYes,
     .tags = kYes},
    // Pacific (16) ignores conditions of CompleteMultipartUpload. Checksums work since Squid (19), trailers
    // since Reef (18): https://github.com/ceph/ceph/pull/54856
    {.name = "ceph", .streaming = kYes, .conditions = kYes, .tags = kYes},
    // Trailers work since 2023-05: https://github.com/minio/minio/pull/16484
    {.name = "minio", .server_header = "MinIO", .streaming = kYes, .conditions = kYes, .tags = kYes},
    // Google Cloud Storage does not support aws-chunked trailers: clients get SignatureDoesNotMatch.
    {.name = "gcs",
     .host_suffixes = {".storage.googleapis.com"},
     .server_header = "UploadServer",
     .region = "auto",
     .trailers = kNo},
    // https://developers.cloudflare.com/r2/api/s3/api/: region "auto"; aws-chunked is "not implemented"; "All
    // non-trailing parts must have the same length"; ETags of multipart objects are not MD5s of MD5s.
    {.name = "r2",
     .host_suffixes = {".r2.cloudflarestorage.com"},
     .server_header = "cloudflare",
     .region = "auto",
     .trailers = kNo,
     .streaming = kNo,
     .tags = kNo,
     .etag_of_parts_is_md5 = false,
     .limits = EqualParts()},
    // Backblaze B2 refuses every x-amz-checksum header (seen in 2025).
    {.name = "b2",
     .host_suffixes = {".backblazeb2.com"},
     .region_in_host = true,
     .checksum_headers = kNo,
     .crc64nvme = kNo,
     .trailers = kNo},
    {.name = "wasabi",
     .host_suffixes = {".wasabisys.com"},
     .region_in_host = true,
     .server_header = "WasabiS3"},
    // https://docs.openstack.org/swift/latest/s3_compat.html; max_upload_part_num is 1,000 by default.
    // CRC64NVME gets a 501.
    {.name = "swift", .crc64nvme = kNo, .limits = MaxParts(1000)},
    {.name = "scaleway", .host_suffixes = {".scw.cloud"}, .region_in_host = true, .limits = MaxParts(1000)},
    {.name = "digitalocean", .host_suffixes = {".digitaloceanspaces.com"}, .region_in_host = true},
    {.name = "storj", .host_suffixes = {".storjshare.io"}},
    // IBM, Alibaba and SeaweedFS: ETags of multipart objects are not MD5s of MD5s.
    {.name = "ibm",
     .host_suffixes = {".cloud-object-storage.appdomain.cloud"},
     .etag_of_parts_is_md5 = false},
    {.name = "alibaba",
     .host_suffixes = {".aliyuncs.com"},
     .server_header = "AliyunOSS",
     .virtual_hosted = true,
     .etag_of_parts_is_md5 = false},
    {.name = "seaweedfs", .server_header = "SeaweedFS", .etag_of_parts_is_md5 = false},
    // Dell ECS treats the framing of aws-chunked as part of the body, and returns XAmzContentSHA256Mismatch.
    {.name = "ecs", .server_header = "ViPR", .trailers = kNo},
};

const StoreProfile& Generic() { return kProfiles[0]; }

std::string HostOf(const DestinationOptions& destination) {
  const auto& url = destination.endpoints.empty() ? destination.endpoint : destination.endpoints.front();
  const auto endpoint = ParseEndpoint(url);
  return endpoint ? endpoint->host : "";
}

// Returns the part of `host` before the profile's suffix; nothing when the host has another suffix.
std::optional<std::string_view> BeforeSuffix(std::string_view host, const StoreProfile& profile) {
  for (const auto suffix : profile.host_suffixes) {
    if (suffix.empty()) continue;
    if (host.ends_with(suffix)) return host.substr(0, host.size() - suffix.size());
    if (host == suffix.substr(1)) return "";
  }
  return std::nullopt;
}

}  // namespace

std::span<const StoreProfile> StoreProfiles() { return kProfiles; }

const StoreProfile* FindStoreProfile(std::string_view name) {
  const auto* found = std::find_if(std::begin(kProfiles), std::end(kProfiles),
                                   [&](const StoreProfile& profile) { return profile.name == name; });
  return found == std::end(kProfiles) ? nullptr : found;
}

const StoreProfile& ProfileOf(const DestinationOptions& destination) {
  if (const auto* named = FindStoreProfile(destination.profile)) return *named;
  if (destination.IsAws()) return *FindStoreProfile("aws");
  const auto host = HostOf(destination);
  const auto* found =
      std::find_if(std::begin(kProfiles), std::end(kProfiles),
                   [&](const StoreProfile& profile) { return BeforeSuffix(host, profile).has_value(); });
  return found == std::end(kProfiles) ? Generic() : *found;
}

std::optional<std::string> RegionOf(const DestinationOptions& destination) {
  const auto& profile = ProfileOf(destination);
  const auto host = HostOf(destination);
  const auto before = BeforeSuffix(host, profile);
  if (profile.region_in_host && before) {
    const auto label = before->substr(before->rfind('.') + 1);
    // "s3.amazonaws.com" and "s3-accelerate" name no region; "vpce" follows the region.
    if (!label.empty() && !label.starts_with("s3") && label != "vpce") return std::string(label);
  }
  if (!profile.region.empty()) return std::string(profile.region);
  return std::nullopt;
}

IntegrityOptions ResolveIntegrity(IntegrityOptions integrity, const DestinationOptions& destination) {
  const auto& profile = ProfileOf(destination);
  if (integrity.checksum == ChecksumAlgorithm::kAuto) integrity.checksum = profile.checksum;
  integrity.etag_of_parts_is_md5 = profile.etag_of_parts_is_md5;
  integrity.put_keeps_conditions = profile.conditions == kYes;
  integrity.complete_keeps_conditions = profile.conditions_on_complete == kYes;
  return integrity;
}

std::optional<std::string> IntegrityProblem(const IntegrityOptions& integrity, const StoreProfile& profile) {
  const auto refused = [&](std::string_view what) {
    return fmt::format(
        "{}: stores of profile {} refuse it (if yours accepts it, set destination.profile: generic)", what,
        profile.name);
  };
  const auto checksum = ChecksumName(integrity.checksum);
  if (!checksum.empty() && profile.checksum_headers == kNo) {
    return refused(fmt::format("checksum {}", checksum));
  }
  if (integrity.checksum == ChecksumAlgorithm::kCrc64Nvme && profile.crc64nvme == kNo) {
    return refused("checksum CRC64NVME");
  }
  if (integrity.trailer && profile.trailers == kNo) return refused("checksum_as: trailer");
  if (integrity.payload == PayloadMode::kStreaming && profile.streaming == kNo) {
    return refused("payload: streaming");
  }
  return std::nullopt;
}

}  // namespace s3

#include "s3/stores/address.h"

#include <fmt/format.h>

#include <algorithm>

#include "s3/stores/store_profiles.h"

namespace s3 {
namespace {

struct Partition {
  std::string_view region_prefix;
  std::string_view dns_suffix;
  bool has_fips = true;
  bool has_accelerate = false;
};

constexpr Partition kPartitions[] = {
    {"cn-", "amazonaws.com.cn", false}, {"us-gov-", "amazonaws.com"},      {"us-iso-", "c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov"},      {"eu-isoe-", "cloud.adc-e.uk"},    {"us-isof-", "csp.hci.ic.gov"},
    {"eusc-", "amazonaws.eu"},          {"", "amazonaws.com", true, true},
};

const Partition& PartitionOf(std::string_view region) {
  return *std::find_if(std::begin(kPartitions), std::end(kPartitions), [&](const Partition& partition) {
    return region.starts_with(partition.region_prefix);
  });
}

// True when the bucket's name can be a label of the host name.
bool CanBeHost(const Endpoint& endpoint, std::string_view bucket) {
  // The wildcard certificate of *.s3.REGION.amazonaws.com does not match a bucket name with a dot.
  const bool dotted = endpoint.scheme == "https" && bucket.find('.') != std::string_view::npos;
  return !endpoint.HasAddressForHost() && !dotted && std::none_of(bucket.begin(), bucket.end(), [](char c) {
    return c == '_' || (c >= 'A' && c <= 'Z');
  });
}

Result<BucketAddress> AddressAt(const DestinationOptions& destination, const std::string& url) {
  const auto endpoint = ParseEndpoint(url);
  if (!endpoint) return tl::unexpected(endpoint.error());
  const auto& bucket = destination.bucket;
  const bool can_be_host = CanBeHost(*endpoint, bucket);
  bool virtual_hosted = ProfileOf(destination).virtual_hosted && can_be_host;
  if (destination.accelerate && (!can_be_host || destination.addressing == Addressing::kPath)) {
    return Fail(
        ErrorKind::kPermanent,
        fmt::format("accelerate needs virtual addressing, and a bucket name that can be part of a host name "
                    "(no '.', '_' or upper case); the bucket is '{}'",
                    bucket));
  }
  if (destination.addressing == Addressing::kPath) virtual_hosted = false;
  if (destination.addressing == Addressing::kVirtual) {
    if (endpoint->HasAddressForHost()) {
      return Fail(
          ErrorKind::kPermanent,
          fmt::format("virtual addressing needs a host name, but '{}' is an IP address", endpoint->host));
    }
    virtual_hosted = true;
  }
  BucketAddress address{*endpoint, "/"};
  if (virtual_hosted) {
    address.endpoint.host = bucket + "." + endpoint->host;
  } else {
    address.path_root = "/" + UriEncode(bucket, false) + "/";
  }
  return address;
}

}  // namespace

std::string_view AwsDnsSuffix(std::string_view region) { return PartitionOf(region).dns_suffix; }

Result<std::string> AwsS3Host(const DestinationOptions& destination) {
  const auto& region = destination.region;
  const auto& partition = PartitionOf(region);
  const auto suffix = partition.dns_suffix;
  if (destination.accelerate) {
    if (!partition.has_accelerate || destination.fips) {
      return Fail(ErrorKind::kPermanent,
                  fmt::format("accelerate is not available {}",
                              destination.fips ? "together with fips" : "in region " + region));
    }
    return fmt::format("s3-accelerate{}.{}", destination.dualstack ? ".dualstack" : "", suffix);
  }
  if (destination.fips && !partition.has_fips) {
    return Fail(ErrorKind::kPermanent, fmt::format("fips is not available in region {}", region));
  }
  return fmt::format("s3{}{}.{}.{}", destination.fips ? "-fips" : "",
                     destination.dualstack ? ".dualstack" : "", region, suffix);
}

Result<std::vector<BucketAddress>> ResolveBucket(const DestinationOptions& destination) {
  auto urls = destination.endpoints;
  if (!destination.endpoint.empty()) urls.push_back(destination.endpoint);
  if (destination.IsAws()) {
    const auto host = AwsS3Host(destination);
    if (!host) return tl::unexpected(host.error());
    urls.push_back("https://" + *host);
  } else if (destination.dualstack || destination.fips || destination.accelerate) {
    return Fail(ErrorKind::kPermanent,
                "dualstack, fips and accelerate are for AWS's endpoints, not for a custom endpoint");
  }
  if (!destination.endpoint.empty() && !destination.endpoints.empty()) {
    return Fail(ErrorKind::kPermanent, "set either endpoint or endpoints, not both");
  }
  std::vector<BucketAddress> addresses;
  for (const auto& url : urls) {
    auto address = AddressAt(destination, url);
    if (!address) return tl::unexpected(address.error());
    // Credentials meant for https must not be used over http.
    if (!addresses.empty() && address->endpoint.scheme != addresses.front().endpoint.scheme) {
      return Fail(ErrorKind::kPermanent, "endpoints must be all https or all http");
    }
    addresses.push_back(std::move(*address));
  }
  return addresses;
}

}  // namespace s3

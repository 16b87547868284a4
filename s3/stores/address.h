// Computes where requests are sent: AWS's endpoint for a region, and a bucket's address at an endpoint. Pure
// functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "s3/options.h"
#include "s3/uri.h"

namespace s3 {

// Returns the DNS suffix of AWS's host names in the partition of `region`, for example "amazonaws.com".
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html; prefixes and
// suffixes are those of botocore's data/partitions.json.
std::string_view AwsDnsSuffix(std::string_view region);

// Returns S3's host name for the region, dualstack, fips and accelerate of `destination`. Fails with
// kPermanent when AWS has no such endpoint. https://docs.aws.amazon.com/general/latest/gr/s3.html
Result<std::string> AwsS3Host(const DestinationOptions& destination);

// Returns the bucket's address at each endpoint of the destination, in order: one for each of `endpoints`, or
// a single one. Fails with kPermanent when the options contradict each other.
Result<std::vector<BucketAddress>> ResolveBucket(const DestinationOptions& destination);

}  // namespace s3

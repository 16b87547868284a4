// Where requests go: AWS's endpoints by region, and a bucket's address at an endpoint. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "s3/options.h"
#include "s3/uri.h"

namespace s3 {

// What host names of AWS end with in the partition of `region`: "amazonaws.com".
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html; names and
// suffixes as in botocore's data/partitions.json.
std::string_view AwsDnsSuffix(std::string_view region);

// The host of S3 for a region, as `destination` wants it; or why there is none.
// https://docs.aws.amazon.com/general/latest/gr/s3.html
Result<std::string> AwsS3Host(const DestinationOptions& destination);

// The bucket's address at each endpoint of the destination: one, or as many as `endpoints` has.
Result<std::vector<BucketAddress>> ResolveBucket(const DestinationOptions& destination);

}  // namespace s3

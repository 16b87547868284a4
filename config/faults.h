// Reads a faults file: rules for the embedded endpoint.
#pragma once

#include <string>
#include <vector>

#include "config/job.h"
#include "s3/endpoint/options.h"

namespace config {

// The file has one key, "faults", with a list of rules; config/examples/quickstart-faults.yaml is an example.
Loaded<std::vector<s3::endpoint::FaultRule>> ParseFaults(std::string_view text, const std::string& name,
                                                         const s3::Environment& environment);
Loaded<std::vector<s3::endpoint::FaultRule>> LoadFaults(const std::string& path,
                                                        const s3::Environment& environment);

}  // namespace config

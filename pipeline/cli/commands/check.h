// The test of a store with small requests, for `check --probe` and `init`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/job.h"
#include "pipeline/cli/exit_error.h"
#include "s3/client/probe.h"
#include "s3/transport/transport_choice.h"

namespace cli {

// The result of a probe that the store did not refuse.
struct StoreProbe {
  s3::ProbeReport report;
  std::string host;    // of the store, with its port
  std::string region;  // the store's
  s3::TransportChoice transport;
  std::vector<std::string> refused_headers;
  std::string credentials;  // their source
  std::string key;          // of the object that was written and deleted
};

// Fetches credentials and sends the requests of s3::Probe. Blocks. Fails with the reason if the first request
// fails: 77 if the store refuses the credentials or the bucket, or if there are no credentials; 75 if the
// store is away for limits.outage. `note` gets texts such as a corrected region.
tl::expected<StoreProbe, ExitError> ProbeStore(const config::Job& job,
                                               const std::function<void(std::string_view)>& note);

}  // namespace cli

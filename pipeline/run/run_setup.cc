#include "pipeline/run/run_setup.h"

#include <ctime>
#include <utility>

#include "pipeline/run/inputs.h"
#include "pipeline/run/process_limits.h"
#include "pipeline/runtime/resource_limits.h"
#include "pipeline/source/source_roots.h"
#include "s3/transport/event_loop_group.h"

namespace pipeline {

int EventLoopsOf(const UploadOptions& options, const s3::Endpoint& endpoint) {
  if (options.event_loops > 0) return options.event_loops;
  return s3::EventLoopCount(CoresOf(options), endpoint.scheme == "https");
}

tl::expected<RunSetup, Refusal> SetUpRun(const Options& options, const s3::Options& s3_options) {
  auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return Refuse(kExitConfig, buckets.error().message);
  if (const auto problem = InputProblem(options)) return Refuse(kExitNoInput, "source: " + *problem);
  auto rules = PropertyRules::Load(options.object);
  if (!rules) return Refuse(kExitConfig, rules.error().message);

  auto fitting = options;
  if (!HasManifest(options)) {
    auto roots = ReadGlobs(options.source);
    if (!roots) return Refuse(kExitNoInput, "source: " + roots.error().message);
    fitting.source = AgesBefore(std::time(nullptr), std::move(*roots));
  }
  const auto& endpoint = buckets->front().endpoint;
  const auto threads = FitThreads(EventLoopsOf(fitting.upload, endpoint), &fitting);
  if (!threads) return Refuse(kExitSystem, threads.error().message);
  const auto size = FitInto(ReadProcessLimits(), EventLoopsOf(fitting.upload, endpoint),
                            {SlotLimitsOf(fitting.upload), fitting.upload.memory_bytes});
  if (!size) return Refuse(kExitSystem, size.error().message);
  fitting.upload.memory_bytes = size->memory_bytes;
  return RunSetup{std::move(fitting), std::move(*buckets), std::move(*rules), size->slots};
}

}  // namespace pipeline

#include <fmt/format.h>

#include "pipeline/cli/common.h"
#include "pipeline/cli/probe.h"

namespace cli {

pipeline::ExitStatus Check(const JobArguments& arguments) {
  const auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  const auto& job = std::get<config::Job>(loaded);
  PrintNotes(job);
  if (arguments.probe) return WithText(Probe(job));
  pipeline::PrintLines(stdout, config::ShowJob(job, /*with_sources=*/true));
  return WithText(pipeline::kExitOk);
}

}  // namespace cli

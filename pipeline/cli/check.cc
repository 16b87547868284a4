#include <fmt/format.h>

#include "pipeline/cli/common.h"

namespace cli {

pipeline::ExitStatus Check(const JobArguments& arguments) {
  const auto loaded = LoadJob(arguments);
  if (const auto* status = std::get_if<pipeline::ExitStatus>(&loaded)) return *status;
  fmt::print("{}", config::ShowJob(std::get<config::Job>(loaded)));
  return pipeline::kExitOk;
}

}  // namespace cli

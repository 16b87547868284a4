#include "pipeline/cli/exit_error.h"

#include "s3/base/printable.h"

namespace cli {

void ExitError::AddLine(std::string_view text) {
  lines += s3::PrintableLine("s3flow: " + std::string(text)) + "\n";
}

tl::unexpected<ExitError> Fail(pipeline::ExitStatus status, std::string_view message) {
  ExitError error{status, ""};
  error.AddLine(message);
  return tl::unexpected(std::move(error));
}

tl::unexpected<ExitError> Fail(const pipeline::Refusal& refusal) {
  return Fail(refusal.status, refusal.message);
}

tl::unexpected<ExitError> Fail(pipeline::ExitStatus status, const std::vector<config::Problem>& problems) {
  return tl::unexpected(ExitError{status, config::FormatProblems(problems)});
}

}  // namespace cli

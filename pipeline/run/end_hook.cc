#include "pipeline/run/end_hook.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/run_dir.h"
#include "s3/base/child_process.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

constexpr std::chrono::seconds kGrace{5};  // between SIGTERM and SIGKILL

std::vector<std::pair<std::string, std::string>> VariablesOf(const RunResult& run) {
  const auto& summary = run.summary;
  const auto directory = AbsolutePath(run.run_dir);
  return {{"S3FLOW_STATUS", std::to_string(static_cast<int>(run.status))},
          {"S3FLOW_RUN_DIR", directory},
          {"S3FLOW_SUMMARY", directory + "/" + kSummaryName},
          {"S3FLOW_JOURNAL", JournalPathIn(directory)},
          {"S3FLOW_FOUND", std::to_string(summary.found)},
          {"S3FLOW_UPLOADED", std::to_string(summary.uploaded)},
          {"S3FLOW_SKIPPED", std::to_string(summary.skipped)},
          {"S3FLOW_FAILED", std::to_string(summary.failed)},
          {"S3FLOW_CANCELLED", std::to_string(summary.cancelled)},
          {"S3FLOW_SENT", std::to_string(summary.sent)},
          {"S3FLOW_UPLOADED_BYTES", std::to_string(summary.uploaded_bytes)},
          {"S3FLOW_MESSAGE", s3::Printable(run.message)}};
}

std::vector<std::string> EnvironmentWith(const std::vector<std::pair<std::string, std::string>>& variables) {
  const auto is_replaced = [&](std::string_view entry) {
    return std::any_of(variables.begin(), variables.end(), [&](const auto& variable) {
      return entry.substr(0, entry.find('=')) == variable.first;
    });
  };
  auto list = s3::EnvironmentList([&](std::string_view entry) { return !is_replaced(entry); });
  for (const auto& [name, value] : variables) list.push_back(fmt::format("{}={}", name, value));
  return list;
}

}  // namespace

void RunEndHook(const ReportOptions& report, const RunResult& run, std::stop_token stop,
                const std::function<void(std::string_view)>& note) {
  if (report.on_end.empty() || !run.has_records) return;
  // A run that was aborted still reports its end: a stop that was requested before this call is ignored.
  if (stop.stop_requested()) stop = {};
  const auto child = s3::StartChild({.words = report.on_end,
                                     .environment = EnvironmentWith(VariablesOf(run)),
                                     .out = STDERR_FILENO,
                                     .err = STDERR_FILENO});
  if (!child) return note("report.on_end: " + child.error().message);
  const auto problem =
      s3::AwaitChild(*child, {.deadline = std::chrono::steady_clock::now() + report.on_end_timeout,
                              .grace = kGrace,
                              .stop = std::move(stop)});
  // Shows only the program's name: its arguments may be secrets.
  if (!problem.empty()) note(fmt::format("report.on_end: {} {}", report.on_end.front(), problem));
}

}  // namespace pipeline

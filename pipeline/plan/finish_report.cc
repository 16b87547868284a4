#include "pipeline/plan/finish_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/report/format.h"
#include "pipeline/shard.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

// The text shows at most this many problems.
constexpr std::size_t kMaxProblems = 10;

std::string ProblemLines(const std::vector<std::string>& problems) {
  const auto shown = std::min(problems.size(), kMaxProblems);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += problems[i] + "\n";
  if (shown < problems.size()) {
    text += fmt::format("and {} more problems; the plan's journal has them all\n", problems.size() - shown);
  }
  return text;
}

std::string NewInputLines(const NewInputs& found) {
  auto text = fmt::format("{} appeared since the plan{}\n", Counted(found.inputs, "input has", "inputs have"),
                          found.inputs > 0 ? ", and are in no shard" : "");
  for (const auto& path : found.paths) text += fmt::format("appeared: {}\n", s3::Printable(path));
  return text;
}

std::string ShardLine(const char* which, const std::vector<int>& shards) {
  return shards.empty() ? "" : fmt::format("shards {}: {}\n", which, RangesText(shards));
}

}  // namespace

std::vector<int> FinishReport::shards_to_run() const {
  std::vector<int> shards;
  for (const auto* some : {&not_run, &unfinished, &with_failures}) {
    shards.insert(shards.end(), some->begin(), some->end());
  }
  std::sort(shards.begin(), shards.end());
  return shards;
}

std::string FinishJson(const FinishReport& report, const JobPlan& plan) {
  nlohmann::ordered_json json = {
      {"found", report.found},
      {"uploaded", report.uploaded},
      {"skipped", report.skipped},
      {"failed", report.failed},
      {"left", report.left},
      {"uploaded_bytes", report.uploaded_bytes},
      {"failures_by_kind", report.failures_by_kind},
      {"cut_objects", plan.cut_objects},
      {"completed_now", report.completed_now},
      {"uploads_left", report.uploads_left},
      {"shards", plan.shards.size()},
      {"shards_not_run", report.not_run},
      {"shards_running", report.running},
      {"shards_unfinished", report.unfinished},
      {"shards_with_failures", report.with_failures},
      {"shards_to_run", RangesText(report.shards_to_run())},
      {"sessions", report.sessions},
      {"plan", plan.id},
      {"exit_status", static_cast<int>(report.status)},
      {"version", S3FLOW_VERSION},
  };
  if (report.new_inputs) json["appeared"] = report.new_inputs->inputs;
  return json.dump(2) + "\n";
}

std::string RunAgainLine(const std::vector<int>& shards, const std::string& directory) {
  if (shards.empty()) return "";
  return fmt::format("to run again: sbatch --array={} SCRIPT {}\n", RangesText(shards), ShellWord(directory));
}

std::string FinishText(const FinishReport& report, const JobPlan& plan, const std::string& directory) {
  auto text = fmt::format("{} found: {} uploaded, {} skipped, {} failed, {} left\n", report.found,
                          report.uploaded, report.skipped, report.failed, report.left);
  if (plan.cut_objects > 0) {
    text += fmt::format("{} shared by several shards, {} of them completed now\n",
                        Counted(plan.cut_objects, "object is", "objects are"), report.completed_now);
  }
  for (const auto& [kind, count] : report.failures_by_kind) {
    text += fmt::format("failed, {}: {}\n", s3::Printable(kind), count);
  }
  text += ProblemLines(report.problems);
  if (report.new_inputs) text += NewInputLines(*report.new_inputs);
  text += ShardLine("that have not run", report.not_run);
  text += ShardLine("that are running", report.running);
  text += ShardLine("that have work left", report.unfinished);
  text += ShardLine("with failures", report.with_failures);
  text += RunAgainLine(report.shards_to_run(), directory);
  if (report.status == kExitBroken) {
    text += "BROKEN: the counts do not add up: report this defect, keep the directory of the plan\n";
  }
  return text;
}

}  // namespace pipeline

#include "pipeline/plan/new_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "pipeline/journal/input_id.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/source/name_list.h"
#include "pipeline/source/source_roots.h"
#include "pipeline/source/walkers.h"

namespace pipeline {
namespace {

// 8 bytes are enough: among a hundred million planned inputs, the chance to miss a new one is 5e-12.
std::uint64_t Mark(const InputFile& file) {
  const auto id = InputIdOf(file.path, file.key);
  return id.object ^ id.path;
}

s3::Result<std::vector<std::uint64_t>> SortedMarks(const OwnDir& plan_dir, const JobPlan& plan) {
  std::vector<std::uint64_t> marks;
  marks.reserve(plan.objects + plan.ranges);
  for (int shard = 0; shard < static_cast<int>(plan.shards.size()); ++shard) {
    const auto read = ReadManifest(plan_dir, shard, [&](const Input& input) {
      marks.push_back(Mark(FileOf(input)));
      return true;
    });
    if (!read) return tl::unexpected(read.error());
  }
  std::sort(marks.begin(), marks.end());
  return marks;
}

// Returns true for files and directories that s3flow itself writes. They appear and vanish while shards run,
// so they are not counted as new.
bool IsOwn(const Input& input) {
  const auto* result = std::get_if<ObjectResult>(&input);
  return result != nullptr && (result->reason == kOwnDirectory || result->reason == kOwnFile);
}

}  // namespace

s3::Result<NewInputs> FindNewInputs(const OwnDir& plan_dir, const JobPlan& plan,
                                    const std::vector<SourceRoot>& roots, const std::string& key_prefix,
                                    std::stop_token stop) {
  auto walked = ReadGlobs(RootsIn(plan.directory, roots));
  if (!walked) return tl::unexpected(walked.error());
  for (const auto& root : *walked) {
    const ListOf list(root);
    if (list && !list.CanBeReadAgain()) {
      return s3::Fail(
          s3::ErrorKind::kUnsupported,
          fmt::format("the plan's names came from {}, which cannot be read again: finish the plan without "
                      "--check-source",
                      list.Name()));
    }
  }
  const auto planned = SortedMarks(plan_dir, plan);
  if (!planned) return tl::unexpected(planned.error());
  OwnFiles own;
  own.Add(plan_dir.path());
  std::mutex mutex;
  NewInputs found;
  // The ages are those at the time of the plan, so that a file does not become new by its age.
  Walk walk(AgesBefore(plan.created_s, std::move(*walked)), key_prefix, std::move(own), stop);
  const bool ended = WalkInThreads(std::move(walk), [&](const Input& input) {
    const auto& file = FileOf(input);
    if (!IsOwn(input) && !std::binary_search(planned->begin(), planned->end(), Mark(file))) {
      const std::lock_guard lock(mutex);
      ++found.inputs;
      if (found.paths.size() < NewInputs::kMaxPaths) found.paths.push_back(file.path);
    }
    return stop.stop_requested() ? Backpressure::kStop : Backpressure::kStarving;
  });
  if (!ended) return s3::Fail(s3::ErrorKind::kCancelled, "stopped during the search for new inputs");
  return found;
}

}  // namespace pipeline

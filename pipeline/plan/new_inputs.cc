#include "pipeline/plan/new_inputs.h"

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "pipeline/journal/input_id.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/source/walkers.h"

namespace pipeline {
namespace {

// Half of an identity will do: a new input looks like one of a hundred million with a chance of 5e-12.
std::uint64_t Mark(const InputFile& file) {
  const auto [key, path] = InputIdOf(file.path, file.key);
  return key ^ path;
}

}  // namespace

std::vector<SourceRoot> RootsIn(const std::string& directory, std::vector<SourceRoot> roots) {
  for (auto& root : roots) {
    while (root.path.starts_with("./") && root.path.size() > 2) root.path.erase(0, 2);
    root.path = (std::filesystem::path(directory) / root.path).string();
  }
  return roots;
}

s3::Result<NewInputs> FindNewInputs(const OwnDir& plan_dir, const JobPlan& plan,
                                    const std::vector<SourceRoot>& roots, const std::string& key_prefix,
                                    std::stop_token stop) {
  std::vector<std::uint64_t> planned;
  planned.reserve(plan.objects + plan.ranges);
  for (int shard = 0; shard < static_cast<int>(plan.shards.size()); ++shard) {
    const auto read = ReadManifest(plan_dir, shard, [&](const Input& input) {
      planned.push_back(Mark(FileOf(input)));
      return true;
    });
    if (!read) return tl::unexpected(read.error());
  }
  std::sort(planned.begin(), planned.end());
  std::mutex mutex;
  NewInputs appeared;
  OwnFiles own;
  own.Add(plan_dir.path());
  // Run directories come and go while shards run: they were never inputs.
  const auto is_own = [](const Input& input) {
    const auto* settled = std::get_if<ObjectResult>(&input);
    return settled != nullptr && (settled->reason == kOwnDirectory || settled->reason == kOwnFile);
  };
  Walk walk(RootsIn(plan.directory, roots), key_prefix, std::move(own));
  const bool ended = WalkInThreads(std::move(walk), [&](const Input& input) {
    const auto& file = FileOf(input);
    if (!is_own(input) && !std::binary_search(planned.begin(), planned.end(), Mark(file))) {
      const std::lock_guard lock(mutex);
      ++appeared.inputs;
      if (appeared.paths.size() < NewInputs::kMaxPaths) appeared.paths.push_back(file.path);
    }
    return stop.stop_requested() ? Backpressure::kStop : Backpressure::kStarving;
  });
  if (!ended) return s3::Fail(s3::ErrorKind::kCancelled, "the source was not looked at to its end");
  return appeared;
}

}  // namespace pipeline

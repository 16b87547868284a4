#include "pipeline/run/inputs.h"

#include <stdexcept>

#include "pipeline/fs/own_dir.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/source/file_counter.h"
#include "pipeline/source/name_list.h"
#include "pipeline/source/walk.h"

namespace pipeline {
namespace {

std::shared_ptr<Object> StreamObject(const SourceRoot& root, const std::string& key_prefix) {
  InputFile file;
  file.path = root.path;
  file.is_stream = true;
  file.key = key_prefix + root.prefix;
  file.relative_at = file.key.size();
  file.key += root.key.empty() ? root.path.substr(root.path.rfind('/') + 1) : root.key;
  return std::make_shared<Object>(std::make_shared<InputFile>(std::move(file)),
                                  std::make_shared<Stream>(root.path, root.size_bytes));
}

Inputs PlannedInputs(const ShardOptions& options, Trust trust) {
  Inputs inputs;
  inputs.find = [=](const Yield& yield) {
    auto plan_dir = OwnDir::Open(options.plan_dir, trust);
    if (!plan_dir) throw std::runtime_error(plan_dir.error().message);
    return FinderOfManifest(std::move(*plan_dir), options.shard.index)(yield);
  };
  inputs.one_more = [left = options.inputs]() mutable { return left > 0 && left-- > 0; };
  inputs.count = [all = Work{options.inputs, options.bytes}](const std::function<bool()>&) { return all; };
  return inputs;
}

// True for a failure that each shard reports, because it may hide inputs of each.
bool HidesInputs(const Input& input) {
  const auto* const result = std::get_if<ObjectResult>(&input);
  return result != nullptr && result->hides_inputs;
}

// Returns a Finder that passes on only the inputs of `shard`. Each shard walks the whole source. For an input
// of another shard, the walk is told kStarving, so that it uses all its threads until it finds inputs of this
// shard.
Finder FinderOfShard(Finder find, Shard shard, std::stop_token stop) {
  return [=](const Yield& yield) {
    return find([&](Input input) {
      if (HidesInputs(input) || shard.Has(FileOf(input).key)) return yield(std::move(input));
      return stop.stop_requested() ? Backpressure::kStop : Backpressure::kStarving;
    });
  };
}

}  // namespace

OwnFiles OwnFilesOf(const Options& options) {
  OwnFiles own;
  own.Add(options.report.run_dir);
  own.Add(options.report.trace_http);
  own.Add(options.report.log_file);
  if (options.shard) own.Add(options.shard->plan_dir);
  // Also leave out the default parent of run directories. Otherwise a run would upload the directories of
  // earlier runs.
  const auto& run_dir = options.report.run_dir;
  if (run_dir.empty() || run_dir.starts_with(kDefaultRunDirs)) own.Add(kDefaultRunDirs);
  return own;
}

bool HasManifest(const Options& options) { return options.shard && !options.shard->plan_dir.empty(); }

Inputs InputsOf(const Options& options, const std::string& key_prefix, std::stop_token stop) {
  if (HasManifest(options)) return PlannedInputs(*options.shard, options.resume.trust);
  const auto shard = options.shard ? options.shard->shard : Shard{};
  const auto is_ours = [shard](const std::string& key) { return shard.count == 1 || shard.Has(key); };
  Inputs inputs;
  std::vector<SourceRoot> roots;
  for (const auto& root : options.source) {
    if (!root.stream) {
      roots.push_back(root);
    } else if (auto stream = StreamObject(root, key_prefix); is_ours(stream->file().key)) {
      inputs.streams.push_back(std::move(stream));
    }
  }
  const auto own = OwnFilesOf(options);
  inputs.find = FinderOf(Walk(roots, key_prefix, own, stop));
  if (shard.count > 1) inputs.find = FinderOfShard(std::move(inputs.find), shard, stop);
  // Names that can be read only once are left to `find`.
  auto readable_again = roots;
  std::erase_if(readable_again, [](const SourceRoot& root) {
    const ListOf list(root);
    return list && !list.CanBeReadAgain();
  });
  inputs.one_more = [walk = std::make_shared<Walk>(readable_again, key_prefix, own, stop), is_ours] {
    for (;;) {
      const auto input = walk->Next();
      if (!input || is_ours(FileOf(*input).key)) return input.has_value();
    }
  };
  // A shard of a walk has about 1/count of all inputs, because the hash of a key selects the shard.
  inputs.count = [roots, shards = static_cast<std::uint64_t>(shard.count),
                  streams = inputs.streams.size()](const std::function<bool()>& stop_count) {
    auto count = CountFiles(roots, stop_count);
    if (count) *count = {count->inputs / shards + streams, count->bytes / shards};
    return count;
  };
  return inputs;
}

std::optional<std::string> InputProblem(const Options& options) {
  if (!HasManifest(options)) return RootProblem(options.source);
  const auto& shard = *options.shard;
  const auto whole = OwnDir::Open(shard.plan_dir, options.resume.trust).and_then([&](const OwnDir& plan_dir) {
    return CheckManifest(plan_dir, shard.shard.index, shard.inputs);
  });
  return whole ? std::nullopt : std::optional(whole.error().message);
}

}  // namespace pipeline

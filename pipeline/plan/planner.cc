#include "pipeline/plan/planner.h"
#include "pipeline/source/empty_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>

#include "pipeline/journal/journal_file.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/plan/file_splitter.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/plan/manifest_writer.h"
#include "pipeline/plan/shard_balancer.h"
#include "pipeline/plan/size_classes.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/runtime/parallel.h"
#include "pipeline/runtime/scheduler.h"
#include "pipeline/source/source_roots.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "pipeline/upload/property_rules.h"
#include "s3/hash/hash.h"
#include "s3/stores/address.h"

namespace pipeline {
namespace {

// A shard's share is all bytes divided by the number of shards. A file is split if it is larger than about
// 1/16 of a share and does not fit into one request (MaxUnsplitBytes). So if the job is large enough, the
// bytes of two shards differ by at most about 1/16 of a share (6 %).
constexpr std::uint64_t kMinInputsPerShare = 16;

tl::unexpected<Refusal> Unwritable(const s3::Error& error) { return Refuse(kExitJournal, error.message); }

// Returns the size of a file to upload, in bytes; 0 for every other input.
std::uint64_t BytesOf(const Input& input) {
  const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&input);
  return file != nullptr ? (*file)->size_bytes : 0;
}

class Planner {
 public:
  Planner(const PlanRequest& request, const Options& options, const s3::Options& s3_options,
          const RunDirectory& directory, ClientFactory* store, const PropertyRules& rules, StopControl* stop)
      : request_(request),
        options_(options),
        prefix_(s3_options.destination.prefix),
        directory_(directory),
        store_(store),
        rules_(rules),
        stop_(stop),
        spool_(directory.dir()),
        balancer_(request.shards),
        writer_(directory.dir(), request.shards) {}

  tl::expected<JobPlan, Refusal> Make() {
    if (auto described = DescribeJob(); !described) return tl::unexpected(described.error());
    if (const auto spooled = SpoolInputs(); !spooled) return Unwritable(spooled.error());
    if (stop_->cause()) return Stopped();
    if (plan_.objects == 0) return Refuse(kExitNoInput, EmptySourceText(options_));
    if (request_.shards > 1) {
      if (const auto split = SplitLargeFiles(); !split) return tl::unexpected(split.error());
    }
    const auto assigned = AssignToShards();
    if (stop_->cause()) return Stopped();
    if (!assigned) return Unwritable(assigned.error());
    plan_.shards = balancer_.loads();
    return std::move(plan_);
  }

  const UnreadInputs& unreadable() const { return unreadable_; }

 private:
  tl::unexpected<Refusal> Stopped() const {
    return Refuse(ExitStatusOf({}, stop_->cause(), false), stop_->message());
  }

  tl::expected<void, Refusal> DescribeJob() {
    plan_.id = s3::HexEncode(s3::RandomBytes(16));
    plan_.settings = options_.identity.settings;
    plan_.overrides = options_.identity.overrides;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    plan_.created_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    options_.source = AgesBefore(plan_.created_s, std::move(options_.source));
    // Shards may run in other directories, so the plan stores the base of relative paths.
    std::error_code problem;
    plan_.directory = std::filesystem::current_path(problem).string();
    if (problem) return Refuse(kExitNoInput, "the working directory has been removed: change to another one");
    return {};
  }

  s3::Result<void> SpoolInputs() {
    OwnFiles own;
    own.Add(request_.directory);
    own.Add(options_.report.trace_http);
    std::mutex mutex;
    s3::Result<void> spooled;
    Walk walk(RootsIn(plan_.directory, options_.source), prefix_, std::move(own), stop_->drain_token());
    WalkInThreads(std::move(walk), [&](Input input) {
      const auto line = ManifestLine(input);
      const std::lock_guard lock(mutex);
      NoteUnreadable(input);
      ++plan_.objects;
      plan_.bytes += BytesOf(input);
      if (spooled) spooled = spool_.Add({BytesOf(input), RequestsFor(input), line});
      const bool proceed = spooled && !stop_->drain_token().stop_requested();
      return proceed ? Backpressure::kStarving : Backpressure::kStop;
    });
    return spooled;
  }

  void NoteUnreadable(const Input& input) {
    const auto* const result = std::get_if<ObjectResult>(&input);
    if (result == nullptr || !result->hides_inputs || !result->error) return;
    if (unreadable_.count++ == 0) unreadable_.first = result->file->path + ": " + result->error->message;
  }

  s3::Result<s3::PartPlan> PartsFor(const InputFile& file) const {
    auto plan_options = options_.upload.plan;
    plan_options.max_body_bytes = BufferPool::LargestRequest(options_.upload.memory_bytes);
    return s3::PlanUpload(file.size_bytes, plan_options, options_.upload.store_limits);
  }

  // Returns the number of requests for the input if no request is repeated; 0 if the input is not uploaded.
  std::uint64_t RequestsFor(const Input& input) const {
    const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&input);
    if (file == nullptr) return 0;
    const auto plan = PartsFor(**file);
    if (!plan) return 0;
    const std::uint64_t create_and_complete = plan->is_multipart() ? 2 : 0;
    return static_cast<std::uint64_t>(plan->requests()) + create_and_complete;
  }

  // Returns the size limit, in bytes, above which a file is split. The limit is never so small that a file
  // that fits into a single request is split.
  std::uint64_t MaxUnsplitBytes() const {
    const auto shards = static_cast<std::uint64_t>(request_.shards);
    return std::max({plan_.bytes / shards / kMinInputsPerShare,
                     options_.upload.plan.multipart_threshold_bytes, options_.upload.plan.part_bytes});
  }

  // Takes the large files out of the spool and puts their ranges back.
  tl::expected<void, Refusal> SplitLargeFiles() {
    auto files = TakeLargeFiles();
    if (!files) return Unwritable(files.error());
    const auto created = CreateUploads(&*files, store_, directory_.journal(), rules_, stop_->drain_token());
    if (!created) {
      return Refuse(StatusOf(created.error()), "CreateMultipartUpload: " + created.error().message);
    }
    for (const auto& file : *files) {
      if (const auto spooled = SpoolRanges(file); !spooled) return Unwritable(spooled.error());
    }
    return {};
  }

  s3::Result<std::vector<LargeFile>> TakeLargeFiles() {
    const auto max_bytes = MaxUnsplitBytes();
    const auto shards = static_cast<std::uint64_t>(request_.shards);
    std::vector<LargeFile> files;
    const auto take = [&](const SizeClasses::Item& item) -> s3::Result<void> {
      const auto input = ReadManifestLine(item.line.substr(0, item.line.size() - 1));
      if (!input) return tl::unexpected(input.error());
      const auto& file = std::get<std::shared_ptr<const InputFile>>(*input);
      const auto pieces = std::min((item.bytes - 1) / max_bytes + 1, shards);
      files.push_back({file, PartsFor(*file).value_or(s3::PartPlan{}), static_cast<int>(pieces), "", ""});
      return {};
    };
    return spool_.DrainAbove(max_bytes, take).map([&] { return std::move(files); });
  }

  // Puts the ranges of a file into the spool. A file without an upload (see LargeFile) is spooled as a whole.
  s3::Result<void> SpoolRanges(const LargeFile& large) {
    if (large.token.empty()) {
      return spool_.Add({large.file->size_bytes, RequestsFor(large.file), ManifestLine(*large.file)});
    }
    ++plan_.cut_objects;
    for (const auto& [first, last] : SplitParts(large.plan, std::min(large.pieces, large.plan.parts))) {
      ++plan_.ranges;
      auto file = *large.file;
      file.range = std::make_shared<PartsOfPlan>(
          PartsOfPlan{first, last, large.plan.part_bytes, large.token, large.upload_id});
      const auto last_part = large.plan.Range(last);
      const auto bytes = last_part.offset + last_part.bytes - large.plan.Range(first).offset;
      const int parts = last - first + 1;
      auto added = spool_.Add({bytes, static_cast<std::uint64_t>(parts), ManifestLine(file)});
      if (!added) return added;
    }
    return {};
  }

  ExitStatus StatusOf(const s3::Error& error) const {
    if (stop_->cause()) return ExitStatusOf({}, stop_->cause(), false);
    return s3::IsRetryable(error.kind) ? kExitStopped : kExitRefused;
  }

  s3::Result<void> AssignToShards() {
    auto assigned = spool_.Drain([&](const SizeClasses::Item& item) {
      round_lines_.emplace_back(item.line);
      round_.push_back({1, item.bytes, item.requests});
      return round_.size() < static_cast<std::size_t>(request_.shards) ? s3::Result<void>() : EndRound();
    });
    if (assigned) assigned = EndRound();
    return assigned ? writer_.Flush() : assigned;
  }

  s3::Result<void> EndRound() {
    if (stop_->drain_token().stop_requested()) return s3::Fail(s3::ErrorKind::kCancelled, "stopped");
    const auto shards = balancer_.Assign(round_);
    for (std::size_t i = 0; i < shards.size(); ++i) {
      if (auto written = writer_.Add(shards[i], round_lines_[i]); !written) return written;
    }
    round_.clear();
    round_lines_.clear();
    return {};
  }

  const PlanRequest& request_;
  Options options_;
  const std::string prefix_;
  const RunDirectory& directory_;
  ClientFactory* const store_;
  const PropertyRules& rules_;
  StopControl* const stop_;
  JobPlan plan_;
  UnreadInputs unreadable_;
  SizeClasses spool_;
  ShardBalancer balancer_;
  ManifestWriter writer_;
  std::vector<ShardLoad> round_;          // the inputs of the present round, at most one for each shard
  std::vector<std::string> round_lines_;  // their lines for the manifests, in the same order
};

// Aborts the uploads of this `plan`, or of an earlier `plan` into this directory that did not finish.
s3::Result<void> AbortUploads(const RunDirectory& directory, ClientFactory* store) {
  auto history = History::Load(directory.dir());
  if (!history) return tl::unexpected(history.error());
  s3::BlockingWaiter waiter;
  const auto client = store->MakeClient(&waiter);
  const auto orphans = AbortOrphanedUploads(client.get(), store->facts().Current()->clock_offset, &*history,
                                            directory.journal());
  if (orphans.problems.empty()) return {};
  return s3::Fail(s3::ErrorKind::kTransient, orphans.problems.front());
}

// Returns why no plan can be made in the directory; nothing if one can be made. The status is kExitJournal if
// the directory cannot be opened or trusted, and kExitConfig if it has a complete plan or files of another
// program. A directory with a journal and manifests but no plan.json belongs to a plan that did not finish,
// so its files may be replaced.
std::optional<Refusal> DirectoryProblem(const std::string& path, Trust trust) {
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto directory = OwnDir::Open(path, trust);
  if (!directory) return Refusal{kExitJournal, directory.error().message};
  if (directory->Has(kPlanName)) {
    return Refusal{kExitConfig, path + " already contains a plan: choose another directory"};
  }
  if (HasJournal(*directory) && directory->Has(kManifestsName)) return std::nullopt;
  for (const auto* name : {kPlannedJobName, kManifestsName, kShardsName, kSummaryName}) {
    if (!directory->Has(name)) continue;
    return Refusal{kExitConfig,
                   fmt::format("{} exists and does not belong to a plan: choose another directory",
                               directory->PathOf(name))};
  }
  return std::nullopt;
}

std::optional<Refusal> SourceProblem(const Options& options) {
  const bool has_stream =
      std::any_of(options.source.begin(), options.source.end(), [](const auto& root) { return root.stream; });
  if (has_stream) {
    return Refusal{kExitConfig,
                   "source: a stream cannot be planned, because its size is unknown: upload it with "
                   "s3flow run"};
  }
  if (const auto problem = RootProblem(options.source)) return Refusal{kExitNoInput, "source: " + *problem};
  return std::nullopt;
}

// Writes plan.json last, because that file marks the plan as complete.
s3::Result<void> SavePlan(const JobPlan& plan, const PlanRequest& request, const RunDirectory& directory) {
  const auto& files = directory.dir();
  auto written = files.Write(kPlannedJobName, request.job_text, 0600);
  if (written) written = files.MakeDir(kShardsName).map([](const OwnDir&) {});
  if (written) written = directory.journal()->Append(EndLine({kExitOk, false}));
  if (written) written = directory.journal()->Sync();
  if (written) written = files.Write(kPlanName, PlanJson(plan), 0600);
  return written;
}

tl::expected<PlanOutcome, Refusal> Build(const PlanRequest& request, const Options& options,
                                         const s3::Options& s3_options, const RunCredentials& credentials,
                                         StopControl* stop, s3::TraceLog* trace) {
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return Refuse(kExitConfig, buckets.error().message);
  if (auto refusal = SourceProblem(options)) return tl::unexpected(*refusal);
  auto roots = ReadGlobs(options.source);
  if (!roots) return Refuse(kExitNoInput, "source: " + roots.error().message);
  auto readable = options;
  readable.source = std::move(*roots);
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) return Refuse(kExitConfig, rules.error().message);
  const auto trust = options.resume.trust;
  if (auto refusal = DirectoryProblem(request.directory, trust)) return tl::unexpected(*refusal);
  const auto directory =
      RunDirectory::Open(request.directory, options.identity, ScopeOf(options, s3_options),
                         {.allow_changed_job = true, .trust = trust}, DrainOnJournalFailure(stop));
  if (!directory) return tl::unexpected(directory.error());
  ClientFactory store(s3_options, *buckets, credentials, {static_cast<int>(kParallelSteps)}, stop, trace,
                      PrintNote, nullptr, options.limits.outage);
  const Deadlines deadlines(options.limits, SlurmJobEnd(PrintNote), stop);
  if (directory->session() > 1) {
    if (const auto aborted = AbortUploads(*directory, &store); !aborted) {
      return Refuse(
          kExitStopped,
          "cannot abort the multipart uploads of an earlier plan in this directory; run s3flow plan again: " +
              aborted.error().message);
    }
  }
  Planner planner(request, readable, s3_options, *directory, &store, *rules, stop);
  auto plan = planner.Make();
  if (!plan) {
    (void)AbortUploads(*directory, &store);  // the next `plan` or `clean` aborts the rest
    return tl::unexpected(plan.error());
  }
  if (const auto saved = SavePlan(*plan, request, *directory); !saved) return Unwritable(saved.error());
  const auto& unreadable = planner.unreadable();
  return PlanOutcome{unreadable.count == 0 ? kExitOk : kExitSomeFailed, "", std::move(*plan), unreadable};
}

}  // namespace

PlanOutcome MakePlan(const PlanRequest& request, const Options& options, const s3::Options& s3_options,
                     const RunCredentials& credentials, StopControl* stop, s3::TraceLog* trace) {
  auto outcome = Build(request, options, s3_options, credentials, stop, trace);
  if (!outcome) return {outcome.error().status, outcome.error().message, {}};
  return std::move(*outcome);
}

}  // namespace pipeline

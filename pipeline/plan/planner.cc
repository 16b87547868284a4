#include "pipeline/plan/planner.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>

#include "pipeline/journal/run_dir.h"
#include "pipeline/plan/file_splitter.h"
#include "pipeline/plan/manifest.h"
#include "pipeline/plan/manifest_writer.h"
#include "pipeline/plan/new_inputs.h"
#include "pipeline/plan/parallel.h"
#include "pipeline/plan/shard_balancer.h"
#include "pipeline/plan/size_classes.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "pipeline/upload/property_rules.h"
#include "s3/hash/hash.h"
#include "s3/stores/address.h"

namespace pipeline {
namespace {

// A shard's share, as so many of the greatest inputs that are not cut: their bytes differ by 6 % at most.
constexpr std::uint64_t kInputsOfShare = 16;

tl::unexpected<Refusal> Unwritable(const s3::Error& error) { return Refuse(kExitJournal, error.message); }

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
        dealer_(request.shards),
        writer_(directory.dir(), request.shards) {}

  tl::expected<JobPlan, Refusal> Make() {
    plan_.id = s3::HexEncode(s3::RandomBytes(16));
    plan_.settings = options_.identity.settings;
    plan_.overrides = options_.identity.overrides;
    std::error_code problem;
    plan_.directory =
        std::filesystem::current_path(problem).string();  // paths must mean the same to all shards
    if (problem) return Refuse(kExitNoInput, "the working directory has been removed: change to another one");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    plan_.created_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    if (const auto spooled = Spool(); !spooled) return Unwritable(spooled.error());
    if (stop_->cause()) return Refuse(ExitStatusOf({}, stop_->cause(), false), stop_->message());
    if (plan_.objects == 0) return Refuse(kExitNoInput, "the source is empty");
    if (request_.shards > 1) {
      if (const auto cut = CutLargest(); !cut) return tl::unexpected(cut.error());
    }
    const auto dealt = DealAll();
    if (stop_->cause()) return Refuse(ExitStatusOf({}, stop_->cause(), false), stop_->message());
    if (!dealt) return Unwritable(dealt.error());
    plan_.shards = dealer_.loads();
    return std::move(plan_);
  }

 private:
  s3::Result<void> Spool() {
    std::mutex mutex;
    s3::Result<void> spooled;
    OwnFiles own;
    own.Add(request_.directory);
    own.Add(options_.report.trace_http);
    WalkInThreads(Walk(RootsIn(plan_.directory, options_.source), prefix_, std::move(own)), [&](Input input) {
      const auto line = ManifestLine(input);
      const std::lock_guard lock(mutex);
      ++plan_.objects;
      plan_.bytes += BytesOf(input);
      if (spooled) spooled = spool_.Add({BytesOf(input), RequestsOf(input), line});
      return spooled && !stop_->drain_token().stop_requested() ? Backpressure::kStarving
                                                               : Backpressure::kStop;
    });
    return spooled;
  }

  s3::Result<s3::PartPlan> PlanOf(const InputFile& file) const {
    auto plan_options = options_.upload.plan;
    plan_options.max_body_bytes = BufferPool::LargestRequest(options_.upload.memory_bytes);
    return s3::PlanUpload(file.size_bytes, plan_options, options_.upload.store_limits);
  }

  // What it takes when nothing has to be sent twice; what is no object takes none.
  std::uint64_t RequestsOf(const Input& input) const {
    const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&input);
    const auto plan = file != nullptr ? PlanOf(**file) : s3::Fail(s3::ErrorKind::kUnsupported, "");
    if (!plan) return 0;
    return static_cast<std::uint64_t>(plan->requests()) + (plan->is_multipart() ? 2 : 0);
  }

  // Above this size a file is cut. What is not greater than one request is never.
  std::uint64_t GreatestUncut() const {
    const auto shards = static_cast<std::uint64_t>(request_.shards);
    return std::max({plan_.bytes / shards / kInputsOfShare, options_.upload.plan.multipart_threshold_bytes,
                     options_.upload.plan.part_bytes});
  }

  // Takes the greatest files out of the spool and puts back what they become.
  tl::expected<void, Refusal> CutLargest() {
    const auto uncut = GreatestUncut();
    std::vector<LargeFile> large;
    auto done = spool_.DrainAbove(uncut, [&](const SizeClasses::Item& item) -> s3::Result<void> {
      const auto input = ReadManifestLine(item.line.substr(0, item.line.size() - 1));
      if (!input) return tl::unexpected(input.error());
      const auto& file = std::get<std::shared_ptr<const InputFile>>(*input);
      const auto plan = PlanOf(*file);
      const auto pieces =
          std::min<std::uint64_t>((item.bytes - 1) / uncut + 1, static_cast<std::uint64_t>(request_.shards));
      large.push_back({file, plan.value_or(s3::PartPlan{}), static_cast<int>(pieces), "", ""});
      return {};
    });
    if (!done) return Unwritable(done.error());
    const auto created = CreateUploads(&large, store_, directory_.journal(), rules_, stop_->drain_token());
    if (!created)
      return Refuse(StatusOf(created.error()), "CreateMultipartUpload: " + created.error().message);
    for (const auto& file : large) {
      if (const auto put_back = SpoolRanges(file); !put_back) return Unwritable(put_back.error());
    }
    return {};
  }

  s3::Result<void> SpoolRanges(const LargeFile& large) {
    if (large.token.empty()) {
      return spool_.Add({large.file->size_bytes, RequestsOf(large.file), ManifestLine(*large.file)});
    }
    ++plan_.cut_objects;
    for (const auto& [first, last] : SplitParts(large.plan, std::min(large.pieces, large.plan.parts))) {
      ++plan_.ranges;
      auto file = *large.file;
      file.range = std::make_shared<PartsOfPlan>(
          PartsOfPlan{first, last, large.plan.part_bytes, large.token, large.upload_id});
      const auto end = large.plan.Range(last);
      const auto bytes = end.offset + end.bytes - large.plan.Range(first).offset;
      const auto parts = static_cast<std::uint64_t>(last - first + 1);
      if (auto added = spool_.Add({bytes, parts, ManifestLine(file)}); !added) return added;
    }
    return {};
  }

  ExitStatus StatusOf(const s3::Error& error) const {
    if (stop_->cause()) return ExitStatusOf({}, stop_->cause(), false);
    return s3::IsRetryable(error.kind) ? kExitStopped : kExitRefused;
  }

  s3::Result<void> DealAll() {
    auto dealt = spool_.Drain([&](const SizeClasses::Item& item) {
      lines_.emplace_back(item.line);
      round_.push_back({1, item.bytes, item.requests});
      return round_.size() < static_cast<std::size_t>(request_.shards) ? s3::Result<void>() : DealRound();
    });
    if (dealt) dealt = DealRound();
    return dealt ? writer_.Flush() : dealt;
  }

  s3::Result<void> DealRound() {
    if (stop_->drain_token().stop_requested()) return s3::Fail(s3::ErrorKind::kCancelled, "stopped");
    const auto dealt = dealer_.Deal(round_);
    for (std::size_t i = 0; i < dealt.size(); ++i) {
      if (auto written = writer_.Add(dealt[i], lines_[i]); !written) return written;
    }
    round_.clear();
    lines_.clear();
    return {};
  }

  const PlanRequest& request_;
  const Options& options_;
  const std::string prefix_;
  const RunDirectory& directory_;
  ClientFactory* const store_;
  const PropertyRules& rules_;
  StopControl* const stop_;
  JobPlan plan_;
  SizeClasses spool_;
  ShardBalancer dealer_;
  ManifestWriter writer_;
  std::vector<ShardLoad> round_;
  std::vector<std::string> lines_;
};

// Of an earlier `plan` into this directory that did not come to its end, or of this one.
s3::Result<void> EndUploads(const RunDirectory& directory, ClientFactory* store) {
  auto history = History::Load(directory.dir());
  if (!history) return tl::unexpected(history.error());
  s3::BlockingWaiter waiter;
  const auto client = store->MakeClient(&waiter);
  const auto left = AbortOrphanedUploads(client.get(), store->facts().Current()->clock_offset, &*history,
                                         directory.journal());
  if (left.problems.empty()) return {};
  return s3::Fail(s3::ErrorKind::kTransient, left.problems.front());
}

// A plan that did not come to its end has a journal and manifests: all that it has left is replaced. Nobody
// else's files are.
std::optional<std::string> DirectoryProblem(const std::string& path, Trust trust) {
  if (access(path.c_str(), F_OK) != 0) return std::nullopt;
  const auto directory = OwnDir::Open(path, trust);
  if (!directory) return directory.error().message;
  if (directory->Has(kPlanName)) return path + " holds a plan already: choose another directory";
  if (directory->Has(kJournalName) && directory->Has(kManifestsName)) return std::nullopt;
  for (const auto* name : {kPlannedJobName, kManifestsName, kShardsName, kSummaryName}) {
    if (!directory->Has(name)) continue;
    return fmt::format("{} is there, and no plan's: choose another directory", directory->PathOf(name));
  }
  return std::nullopt;
}

tl::expected<JobPlan, Refusal> Build(const PlanRequest& request, const Options& options,
                                     const s3::Options& s3_options, const RunCredentials& credentials,
                                     StopControl* stop, s3::TraceLog* trace) {
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return Refuse(kExitConfig, buckets.error().message);
  if (std::any_of(options.source.begin(), options.source.end(),
                  [](const auto& root) { return root.stream; })) {
    return Refuse(kExitConfig, "source: a stream cannot be planned: nobody knows what it will hold");
  }
  if (const auto problem = RootProblem(options.source)) return Refuse(kExitNoInput, "source: " + *problem);
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) return Refuse(kExitConfig, rules.error().message);
  const auto trust = options.resume.trust;
  if (const auto problem = DirectoryProblem(request.directory, trust)) return Refuse(kExitJournal, *problem);
  const auto directory =
      RunDirectory::Open(request.directory, options.identity, ScopeOf(options, s3_options),
                         {.allow_changed_job = true, .trust = trust}, DrainOnJournalFailure(stop));
  if (!directory) return tl::unexpected(directory.error());
  ClientFactory store(s3_options, *buckets, credentials, {static_cast<int>(kParallelSteps)}, stop, trace,
                      PrintNote, nullptr, options.limits.outage);
  const Deadlines deadlines(options.limits, SlurmJobEnd(PrintNote), stop);
  if (directory->session() > 1) {
    if (const auto ended = EndUploads(*directory, &store); !ended) {
      return Refuse(kExitStopped, "what an earlier plan left cannot be ended: " + ended.error().message);
    }
  }
  auto plan = Planner(request, options, s3_options, *directory, &store, *rules, stop).Make();
  if (!plan) {
    (void)EndUploads(*directory, &store);  // what it leaves, the next one or `clean` ends
    return plan;
  }
  const auto& files = directory->dir();
  auto written = files.Write(kPlannedJobName, request.job_text, 0600);
  if (written) written = files.MakeDir(kShardsName).map([](const OwnDir&) {});
  if (written) written = directory->journal()->Append(EndLine({kExitOk, false}));
  if (written) written = directory->journal()->Sync();
  if (written) written = files.Write(kPlanName, PlanJson(*plan), 0600);
  if (!written) return Unwritable(written.error());
  return plan;
}

}  // namespace

PlanOutcome MakePlan(const PlanRequest& request, const Options& options, const s3::Options& s3_options,
                     const RunCredentials& credentials, StopControl* stop, s3::TraceLog* trace) {
  auto plan = Build(request, options, s3_options, credentials, stop, trace);
  if (!plan) return {plan.error().status, plan.error().message, {}};
  return {kExitOk, "", std::move(*plan)};
}

std::string PlanText(const JobPlan& plan, std::uint64_t bytes_per_second, std::uint64_t requests_per_second) {
  auto text = fmt::format("{} inputs, {}, at least {} requests, in {} shards\n", plan.objects,
                          HumanBytes(static_cast<double>(plan.bytes)), plan.requests(), plan.shards.size());
  if (plan.cut_objects > 0) {
    text += fmt::format("{} files are cut into {} ranges of parts; s3flow finish completes their objects\n",
                        plan.cut_objects, plan.ranges);
  }
  text += fmt::format("the largest shard has {:.3f} of the mean in bytes, {:.3f} in requests\n",
                      plan.bytes_imbalance(), plan.requests_imbalance());
  double seconds = 0;
  if (bytes_per_second > 0) {
    seconds =
        static_cast<double>(plan.bytes) * plan.bytes_imbalance() / static_cast<double>(bytes_per_second);
  }
  if (requests_per_second > 0) {
    seconds = std::max(seconds, static_cast<double>(plan.requests()) * plan.requests_imbalance() /
                                    static_cast<double>(requests_per_second));
  }
  if (bytes_per_second > 0 || requests_per_second > 0) {
    text += fmt::format("at that rate of all shards together: {:.0f} s\n", seconds);
  }
  return text;
}

}  // namespace pipeline

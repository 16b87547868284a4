#include "pipeline/run/dry_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <mutex>

#include "pipeline/fs/io_retry.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/graph/graph.h"
#include "pipeline/graph/source.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/report/terminal.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/process_limits.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/property_rules.h"
#include "pipeline/upload/skip.h"
#include "s3/stores/address.h"

namespace pipeline {
namespace {

// The body of the upload node, with the uploading left out.
class DryUploader {
 public:
  DryUploader(const PropertyRules* rules, const SkipCheck* skip, s3::Client* client, BufferPool* buffers,
              s3::Waiter* waiter)
      : rules_(rules), skip_(skip), client_(client), buffers_(buffers), waiter_(waiter) {}

  // The first task of an object decides for all.
  std::optional<ObjectResult> operator()(const UploadTask& task) noexcept {
    Object* const object = task.object.get();
    try {
      if (task.number == 1) {
        object->BeginOpening(waiter_);
        Decide(object);
        object->EndOpening();
      }
    } catch (const std::exception& error) {
      object->Fail({.kind = s3::ErrorKind::kLocal, .message = error.what()});
    }
    if (!object->EndTask()) return std::nullopt;
    ObjectResult result;
    result.file = object->shared_file();
    result.size_bytes = object->file().size_bytes;
    result.parts = object->plan().parts;
    result.error = object->error();
    if (!result.error) {
      const auto uploaded = object->file().range ? Outcome::kSent : Outcome::kUploaded;
      result.outcome = object->state() == ObjectState::kSkipped ? Outcome::kSkipped : uploaded;
      result.reason = object->skip_reason();
    } else if (result.error->kind == s3::ErrorKind::kCancelled) {
      result.outcome = Outcome::kCancelled;
    }
    return result;
  }

 private:
  void Decide(Object* object) {
    if (object->stream() != nullptr) return;
    auto opened = RetryIo([object] { return OpenFile::Open(object->file()); });
    if (!opened) return object->Fail(opened.error());
    object->source = std::move(*opened);
    if (skip_ == nullptr) return;
    object->properties = rules_->PropertiesOf(object->file(), &object->source.status());
    const auto reason = RetryIo([&] { return skip_->Find(*object, client_, buffers_, waiter_); });
    if (!reason) return object->Fail(reason.error());
    if (*reason) object->Skip(**reason);
  }

  const PropertyRules* const rules_;
  const SkipCheck* const skip_;
  s3::Client* const client_;
  BufferPool* const buffers_;
  s3::Waiter* const waiter_;
};

void Count(const ObjectResult& result, bool verified, DryRun* run) {
  if (result.outcome == Outcome::kSkipped) ++run->skipped[result.reason];
  if (result.outcome == Outcome::kFailed) ++run->failed[std::string(s3::KindName(result.error->kind))];
  if (const auto& range = result.file->range; range && result.outcome == Outcome::kSent) {
    ++run->uploads;
    const s3::PartPlan plan = s3::PlanOfParts(result.size_bytes, range->part_bytes);
    for (int number = range->first; number <= range->last; ++number)
      run->upload_bytes += plan.Range(number).bytes;
    run->requests["UploadPart"] += static_cast<std::uint64_t>(range->last - range->first + 1);
  }
  if (result.outcome != Outcome::kUploaded) return;
  ++run->uploads;
  run->upload_bytes += result.size_bytes;
  if (verified) ++run->requests["HeadObject"];
  if (result.parts == 0) {
    ++run->requests["PutObject"];
    return;
  }
  ++run->requests["CreateMultipartUpload"];
  run->requests["UploadPart"] += static_cast<std::uint64_t>(result.parts);
  ++run->requests["CompleteMultipartUpload"];
}

DryRun Refused(ExitStatus status, std::string message) {
  DryRun run;
  run.status = status;
  run.message = std::move(message);
  return run;
}

s3::Result<History> LoadHistory(const std::string& run_dir, Trust trust, const RunScope& scope) {
  if (run_dir.empty() || access(run_dir.c_str(), F_OK) != 0) return History();
  return OwnDir::Open(run_dir, trust).and_then([&scope](const OwnDir& directory) {
    return History::Load(directory, History::Depth::kAll, &scope);
  });
}

// Nothing is uploaded: as many as HeadObjects may be in flight.
constexpr int kConcurrency = 64;

}  // namespace

DryRun RunDry(const Options& given, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace) {
  auto options = given;
  if (const auto fit = FitThreads(1, &options); !fit) return Refused(kExitSystem, fit.error().message);
  const auto size = FitInto(ReadProcessLimits(), 1,
                            {{kConcurrency, kConcurrency, kConcurrency}, options.upload.memory_bytes});
  if (!size) return Refused(kExitSystem, size.error().message);
  const int concurrency = size->slots.most;
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return Refused(kExitConfig, buckets.error().message);
  if (const auto problem = InputProblem(options)) return Refused(kExitNoInput, "source: " + *problem);
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) return Refused(kExitConfig, rules.error().message);
  const auto& run_dir = options.report.run_dir;  // empty: a new one, without a history
  const auto scope = ScopeOf(options, s3_options);
  auto history = LoadHistory(run_dir, options.resume.trust, scope);
  if (!history) return Refused(kExitJournal, history.error().message);
  if (auto problem = ResumeProblem(run_dir, *history, options.identity, scope, options.resume)) {
    return Refused(problem->status, std::move(problem->message));
  }

  DryRun run;
  ClientFactory store(s3_options, *buckets, credentials, {concurrency}, stop, trace, PrintNote);
  const auto inputs = InputsOf(options, s3_options.destination.prefix, stop->drain_token());
  s3::BlockingWaiter blocking;
  const auto listing = store.MakeClient(&blocking);
  auto skip = SkipCheck::Prepare(options.resume.skip, options.object.posix, s3_options.destination.prefix,
                                 inputs.one_more, listing.get());
  if (!skip) {
    if (stop->cause()) return Refused(ExitStatusOf({}, stop->cause(), false), stop->message());
    return Refused(kExitRefused, "resume.skip: " + skip.error().message);
  }
  Graph graph({concurrency, options.upload.threads});
  const auto client = store.MakeClient(graph.waiter());
  BufferPool buffers(size->memory_bytes);
  Progress progress;
  Source source(inputs.find, inputs.streams, options.upload, stop->drain_token(), &*history, &progress);
  DryUploader upload(&*rules, skip->get(), client.get(), &buffers, graph.waiter());
  const bool verified = s3_options.integrity.verify_head;
  graph.Run({.next = [&] { return source.Next(graph.waiter()); },
             .upload = [&](const UploadTask& task) { return upload(task); },
             .record =
                 [&](const ObjectResult& result) {
                   Count(result, verified, &run);
                   source.InputDone();
                 }});
  run.found = source.found() + source.done_before().found;
  if (source.done_before().found > 0) {
    run.skipped["settled by this run directory's journal"] = source.done_before().found;
  }
  if (*skip) {
    run.skip_plan = (*skip)->lists() ? fmt::format("by listing: {} pages, {} objects", (*skip)->pages(),
                                                   (*skip)->listed_objects())
                                     : "by HeadObject for each file";
    if ((*skip)->pages() > 0) run.requests["ListObjectsV2"] = (*skip)->pages();
    if (!(*skip)->lists()) run.requests["HeadObject"] += source.found();
  }
  if (options.resume.skip == SkipMode::kIfNoneMatch) {
    run.skip_plan = "when it is written: each key that exists costs its PutObject and a HeadObject";
  }
  if (stop->cause()) return Refused(ExitStatusOf({}, stop->cause(), false), stop->message());
  return run;
}

std::string DryRunText(const DryRun& run, const RequestPrices& prices) {
  auto text = fmt::format("{} found: {} would be uploaded ({})\n", run.found, run.uploads,
                          HumanBytes(static_cast<double>(run.upload_bytes)));
  for (const auto& [reason, count] : run.skipped) text += fmt::format("skipped, {}: {}\n", reason, count);
  for (const auto& [kind, count] : run.failed) text += fmt::format("would fail, {}: {}\n", kind, count);
  if (!run.skip_plan.empty()) text += fmt::format("what is there is found out {}\n", run.skip_plan);
  double cost = 0;
  for (const auto& [operation, count] : run.requests) {
    text += fmt::format("requests, {}: {}\n", operation, count);
    const double price = operation == "HeadObject" ? prices.get_per_1000 : prices.put_per_1000;
    cost += static_cast<double>(count) / 1000 * price;
  }
  if (prices.given()) {
    text += fmt::format("cost of the requests: {:.4f}\n", cost);
    if (prices.gib_month > 0) {
      const double month = static_cast<double>(run.upload_bytes) / (1 << 30) * prices.gib_month;
      text += fmt::format("cost of what is uploaded, a month: {:.4f}\n", month);
    }
  }
  return text;
}

}  // namespace pipeline

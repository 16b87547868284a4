#include "pipeline/run/dry_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include "pipeline/fs/io_retry.h"
#include "pipeline/fs/own_dir.h"
#include "pipeline/graph/graph.h"
#include "pipeline/graph/source.h"
#include "pipeline/journal/history.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/run_setup.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/object.h"
#include "pipeline/upload/property_rules.h"
#include "pipeline/upload/skip.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

// Replaces the uploader in the graph. Opens files and checks what to skip, but uploads nothing.
class DryUploader {
 public:
  DryUploader(const PropertyRules* rules, const SkipCheck* skip, s3::Client* client, BufferPool* buffers,
              s3::Waiter* waiter)
      : rules_(rules), skip_(skip), client_(client), buffers_(buffers), waiter_(waiter) {}

  // Only the first task of an object does the work. The last task returns the result.
  std::optional<ObjectResult> operator()(const UploadTask& task) noexcept {
    Object* const object = task.object.get();
    try {
      if (task.number == 1) {
        object->BeginOpening(waiter_);
        OpenAndCheck(object);
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
    result.outcome = OutcomeOf(*object);
    if (result.outcome == Outcome::kSkipped) result.reason = object->skip_reason();
    return result;
  }

 private:
  static Outcome OutcomeOf(const Object& object) {
    if (const auto& error = object.error()) {
      return error->kind == s3::ErrorKind::kCancelled ? Outcome::kCancelled : Outcome::kFailed;
    }
    if (object.state() == ObjectState::kSkipped) return Outcome::kSkipped;
    return object.file().range ? Outcome::kSent : Outcome::kUploaded;
  }

  void OpenAndCheck(Object* object) {
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

void CountRange(const InputFile& file, std::uint64_t object_bytes, DryRun* run) {
  const auto& range = *file.range;
  const s3::PartPlan plan = s3::PlanOfParts(object_bytes, range.part_bytes);
  for (int number = range.first; number <= range.last; ++number)
    run->upload_bytes += plan.Range(number).bytes;
  run->requests["UploadPart"] += static_cast<std::uint64_t>(range.last - range.first + 1);
}

void CountObject(const ObjectResult& result, bool verify_head, DryRun* run) {
  run->upload_bytes += result.size_bytes;
  if (verify_head) ++run->requests["HeadObject"];
  if (result.parts == 0) {
    ++run->requests["PutObject"];
    return;
  }
  ++run->requests["CreateMultipartUpload"];
  run->requests["UploadPart"] += static_cast<std::uint64_t>(result.parts);
  ++run->requests["CompleteMultipartUpload"];
}

void Count(const ObjectResult& result, bool verify_head, DryRun* run) {
  switch (result.outcome) {
    case Outcome::kSkipped: ++run->skipped[result.reason]; return;
    case Outcome::kFailed: ++run->failed[std::string(s3::KindName(result.error->kind))]; return;
    case Outcome::kCancelled: return;
    case Outcome::kSent: ++run->uploads; return CountRange(*result.file, result.size_bytes, run);
    case Outcome::kUploaded: ++run->uploads; return CountObject(result, verify_head, run);
  }
}

DryRun Refused(ExitStatus status, std::string message) {
  DryRun run;
  run.status = status;
  run.message = std::move(message);
  return run;
}

// Returns the history that the run would resume. For a new run directory, the history is empty.
tl::expected<History, Refusal> HistoryOf(const Options& options, const s3::Options& s3_options) {
  const auto& run_dir = options.report.run_dir;  // empty: a new one
  const auto scope = ScopeOf(options, s3_options);
  if (run_dir.empty() || access(run_dir.c_str(), F_OK) != 0) return History();
  auto history = OwnDir::Open(run_dir, options.resume.trust).and_then([&scope](const OwnDir& directory) {
    return History::Load(directory, History::Depth::kAll, &scope);
  });
  if (!history) return Refuse(kExitJournal, history.error().message);
  if (auto problem = ResumeProblem(run_dir, *history, options.identity, scope, options.resume)) {
    return tl::unexpected(std::move(*problem));
  }
  return std::move(*history);
}

// Adds the requests that the run needs to find existing objects.
void CountSkipRequests(const SkipCheck* skip, SkipMode mode, std::uint64_t found, DryRun* run) {
  if (mode == SkipMode::kIfNoneMatch) {
    run->skip_method = "by conditional writes: each key that exists needs a PutObject and a HeadObject";
  }
  if (skip == nullptr) return;
  if (skip->pages() > 0) run->requests["ListObjectsV2"] = skip->pages();
  if (skip->lists()) {
    run->skip_method =
        fmt::format("by listing: {}, {}", Counted(static_cast<std::uint64_t>(skip->pages()), "page", "pages"),
                    Counted(skip->listed_objects(), "object", "objects"));
    return;
  }
  run->skip_method = "by one HeadObject for each file";
  run->requests["HeadObject"] += found;
}

// The maximum number of requests in flight: HeadObjects, which check whether objects exist.
constexpr int kConcurrency = 64;

}  // namespace

DryRun RunDry(const Options& given, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace, const ShowInput& show) {
  auto options = given;
  options.upload.concurrency = kConcurrency;
  options.upload.event_loops = 1;
  const auto setup = SetUpRun(options, s3_options);
  if (!setup) return Refused(setup.error().status, setup.error().message);
  auto history = HistoryOf(options, s3_options);
  if (!history) return Refused(history.error().status, history.error().message);

  const auto& upload = setup->options.upload;
  const int concurrency = setup->slots.most;
  const auto& prefix = s3_options.destination.prefix;
  ClientFactory clients(s3_options, setup->buckets, credentials, {concurrency}, stop, trace, PrintNote);
  const auto inputs = InputsOf(setup->options, prefix, stop->drain_token());
  s3::BlockingWaiter blocking;
  const auto listing = clients.MakeClient(&blocking);
  const auto skip =
      SkipCheck::Prepare(options.resume.skip, options.object.posix, prefix, inputs.one_more, listing.get());
  if (stop->cause()) return Refused(ExitStatusOf(*stop->cause()), stop->message());
  if (!skip) return Refused(kExitRefused, "resume.skip: " + skip.error().message);

  DryRun run;
  Graph graph({concurrency, upload.threads});
  const auto client = clients.MakeClient(graph.waiter());
  BufferPool buffers(upload.memory_bytes);
  Progress progress;
  Source source(inputs.find, inputs.streams, upload, stop->drain_token(), &*history, &progress);
  DryUploader uploader(&setup->rules, skip->get(), client.get(), &buffers, graph.waiter());
  graph.Run({.next = [&] { return source.Next(graph.source_waiter()); },
             .upload = [&](const UploadTask& task) { return uploader(task); },
             .record =
                 [&](const ObjectResult& result) {
                   Count(result, s3_options.integrity.verify_head, &run);
                   if (show) show(result);
                   source.InputDone();
                 }});
  if (stop->cause()) return Refused(ExitStatusOf(*stop->cause()), stop->message());

  const auto earlier = source.done_before().found;
  run.found = source.found() + earlier;
  if (earlier > 0) run.skipped["done according to this run directory's journal"] = earlier;
  CountSkipRequests(skip->get(), options.resume.skip, source.found(), &run);
  return run;
}

std::string DryRunLine(const ObjectResult& result) {
  const auto& file = *result.file;
  const auto path = s3::Printable(file.path);
  switch (result.outcome) {
    case Outcome::kSkipped: return fmt::format("would skip {}: {}\n", path, s3::Printable(result.reason));
    case Outcome::kFailed:
      return fmt::format("would fail {}: {}\n", path, s3::Printable(result.error->message));
    case Outcome::kCancelled: return fmt::format("not looked at: {}\n", path);
    case Outcome::kUploaded:
    case Outcome::kSent: break;
  }
  const auto parts = file.range ? fmt::format("parts {} to {}", file.range->first, file.range->last)
                                : HumanBytes(static_cast<double>(result.size_bytes));
  return fmt::format("would upload {} to {} ({})\n", path, s3::Printable(file.key),
                     file.is_stream ? "a stream" : parts);
}

std::string DryRunText(const DryRun& run, const RequestPrices& prices) {
  auto text = fmt::format("{} found: {} would be uploaded ({})\n", run.found, run.uploads,
                          HumanBytes(static_cast<double>(run.upload_bytes)));
  for (const auto& [reason, count] : run.skipped) text += fmt::format("skipped, {}: {}\n", reason, count);
  for (const auto& [kind, count] : run.failed) text += fmt::format("would fail, {}: {}\n", kind, count);
  if (!run.skip_method.empty()) text += fmt::format("existing objects are found {}\n", run.skip_method);
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
      text += fmt::format("cost of storing these uploads for a month: {:.4f}\n", month);
    }
  }
  return text;
}

}  // namespace pipeline

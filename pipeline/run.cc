#include "pipeline/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "pipeline/buffers.h"
#include "pipeline/console.h"
#include "pipeline/graph.h"
#include "pipeline/journal.h"
#include "pipeline/property_rules.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"
#include "pipeline/upload.h"
#include "s3/client.h"
#include "s3/event_loop.h"
#include "s3/store_profiles.h"

namespace pipeline {
namespace {

std::string DefaultRunDir() {
  return fmt::format("s3flow-runs/{:%Y%m%dT%H%M%SZ}-{}", fmt::gmtime(std::time(nullptr)), getpid());
}

bool EmptyIsFine(const Options& options) {
  return std::all_of(options.source.begin(), options.source.end(),
                     [](const auto& root) { return root.allow_empty; });
}

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

// All streams together hold at most a quarter of the memory while they wait for their writers.
std::uint64_t StreamPartLimit(const UploadOptions& options, std::size_t streams) {
  return BufferPool::LargestRequest(options.memory_bytes / (4 * std::max<std::size_t>(streams, 1)));
}

// Builds the parts of one run, in the order in which they need each other, and runs the graph.
Summary RunPipeline(const Options& options, const s3::Options& s3_options,
                    const std::vector<s3::BucketAddress>& buckets, const RunCredentials& provided,
                    const PropertyRules& rules, Journal* journal, StopControl* stop, s3::TraceLog* trace) {
  using StopCallback = std::stop_callback<std::function<void()>>;
  Progress progress;
  Console console(options.report, &progress, stderr);
  const auto waiter = MakeWaiter();
  s3::EventLoop loop(s3_options.transport, options.upload.concurrency);
  s3::TracingTransport transport(&loop, trace);
  const auto note = [&](std::string_view text) { console.Note(fmt::format("note    {}", text)); };
  s3::LearnedFacts facts(s3_options.destination, buckets, note);
  s3::CredentialCache credentials(provided.first, provided.renew, provided.renewal, note);
  s3::Client client(&facts, &credentials, s3_options.retry,
                    s3::ResolveIntegrity(s3_options.integrity, s3_options.destination), &transport,
                    waiter.get(), stop->drain_token());
  BufferPool buffers(options.upload.memory_bytes);
  std::vector<SourceRoot> roots;
  std::vector<std::shared_ptr<Object>> streams;
  for (const auto& root : options.source) {
    if (root.stream) streams.push_back(StreamObject(root, s3_options.destination.prefix));
    if (!root.stream) roots.push_back(root);
  }
  const StopCallback on_drain(stop->drain_token(), [&] {
    // Other causes are the run's last word, said once, at its end.
    const bool signalled = stop->cause() == StopCause::kInterrupt || stop->cause() == StopCause::kTerminate;
    if (signalled) console.Note(fmt::format("stopping: {}; what is in flight may end", stop->message()));
    loop.CancelSleeps();
    credentials.Cancel();
    for (const auto& stream : streams) stream->stream()->Cancel();
  });
  const StopCallback on_abort(stop->abort_token(), [&] { loop.Abort(); });

  Source source(Walk(roots, s3_options.destination.prefix), streams, options.upload, stop->drain_token(),
                &progress);
  Uploader upload({.client = &client,
                   .waiter = waiter.get(),
                   .buffers = &buffers,
                   .rules = &rules,
                   .console = &console,
                   .progress = &progress,
                   .options = &options.upload,
                   .stream_part_bytes = StreamPartLimit(options.upload, streams.size()),
                   .stop = stop->drain_token(),
                   .pause =
                       [&](std::chrono::milliseconds time) {
                         waiter->Wait([&](s3::Wake wake) { loop.WakeAfter(time, wake); });
                       },
                   .again = [&](const Object& object) { source.Again(object); },
                   .stream_ready = [&](std::shared_ptr<Object> stream,
                                       int number) { source.Ready(std::move(stream), number); }});
  Sink sink(journal, &console, &progress, stop);
  const auto start = std::chrono::steady_clock::now();
  RunGraph({options.upload.concurrency, options.upload.threads},
           {.next = [&] { return source.Next(waiter.get()); },
            .upload = [&](const UploadTask& task) { return upload(task); },
            .record =
                [&](const ObjectResult& result) {
                  sink.Record(result);
                  source.Settled();
                }});

  Summary summary = sink.summary();
  summary.found = source.found();
  summary.source_exhausted = source.exhausted();
  summary.credential_renewals = credentials.renewals();
  summary.seconds = std::chrono::steady_clock::now() - start;
  summary.peak_memory_bytes = PeakMemoryBytes();
  if (trace != nullptr && !trace->problem().empty()) {
    console.Note(fmt::format("note    the trace is not whole: {}", trace->problem()));
  }
  return summary;
}

}  // namespace

RunResult Run(const Options& options, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace) {
  RunResult run;
  run.run_dir = options.report.run_dir.empty() ? DefaultRunDir() : options.report.run_dir;
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) {
    run.status = kExitConfig;
    run.message = buckets.error().message;
    return run;
  }
  if (const auto problem = RootProblem(options.source)) {
    run.status = kExitNoInput;
    run.message = "source: " + *problem;
    return run;
  }
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) {
    run.status = kExitConfig;
    run.message = rules.error().message;
    return run;
  }
  auto journal = Journal::Create(run.run_dir);
  if (!journal) {
    run.status = kExitJournal;
    run.message = journal.error().message;
    return run;
  }

  run.summary = RunPipeline(options, s3_options, *buckets, credentials, *rules, journal->get(), stop, trace);
  run.message = stop->message();
  if (stop->cause() == StopCause::kRefused) {
    run.message += fmt::format(" (bucket {} at {})", s3_options.destination.bucket,
                               buckets->front().endpoint.HostAndPort());
  }
  if (const auto synced = (*journal)->Sync(); !synced) {
    stop->Drain(StopCause::kJournalFailed, synced.error().message);
    run.message = "cannot write the journal: " + synced.error().message;
    run.status = kExitJournal;
  }
  if (run.status == kExitOk) run.status = ExitStatusOf(run.summary, stop->cause(), EmptyIsFine(options));
  if (run.status == kExitNoInput) run.message = "the source is empty (allow_empty: true makes that no error)";
  const auto written = WriteFile(run.run_dir + "/summary.json", SummaryJson(run.summary, run.status));
  if (!written && run.status != kExitBroken) {
    run.status = kExitJournal;
    run.message = "cannot write the summary: " + written.error().message;
  }
  return run;
}

}  // namespace pipeline

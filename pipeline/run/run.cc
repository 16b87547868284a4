#include "pipeline/run/run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/graph/graph.h"
#include "pipeline/graph/sink.h"
#include "pipeline/graph/source.h"
#include "pipeline/journal/run_dir.h"
#include "pipeline/plan/job_plan.h"
#include "pipeline/plan/running_shards.h"
#include "pipeline/report/console.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/process_limits.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/runtime/resource_limits.h"
#include "pipeline/runtime/scheduler.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "pipeline/upload/property_rules.h"
#include "pipeline/upload/skip.h"
#include "pipeline/upload/uploader.h"
#include "s3/stores/store_profiles.h"

namespace pipeline {
namespace {

std::string DefaultRunDir() {
  return fmt::format("{}/{:%Y%m%dT%H%M%SZ}-{}", kDefaultRunDirs, fmt::gmtime(std::time(nullptr)), getpid());
}

// Names the run directory where the job does not. Returns what --run-dir has to say to resume the run;
// nothing when the command as it was does so.
std::string NameRunDir(Options* options) {
  auto& run_dir = options->report.run_dir;
  if (!options->shard) return run_dir.empty() ? run_dir = DefaultRunDir() : run_dir;
  if (!options->shard->plan_dir.empty()) return "";
  const auto name = "/" + ShardRunDirName(options->shard->shard.index);
  if (run_dir.empty()) run_dir = DefaultRunDir() + name;
  return run_dir.substr(0, run_dir.size() - name.size());
}

bool EmptyIsFine(const Options& options) {
  if (options.shard) return true;  // what there is may be another shard's
  return std::all_of(options.source.begin(), options.source.end(),
                     [](const auto& root) { return root.allow_empty; });
}

// All streams together hold at most a quarter of the memory while they wait for their writers.
std::uint64_t StreamPartLimit(const UploadOptions& options, std::size_t streams) {
  return BufferPool::LargestRequest(options.memory_bytes / (4 * std::max<std::size_t>(streams, 1)));
}

// Reads the journal once more, which must say what the sink counted; and ends what the run has left in the
// store, when it ends for good. Both are told to `session`. A journal that cannot be read ends the run.
void Conclude(ClientFactory* store, const RunDirectory& directory, bool ended, StopControl* stop,
              Console* console, Summary* session) {
  if (directory.journal()->failed()) return;  // said elsewhere
  auto journal = History::Load(directory.dir(), History::Depth::kOpenUploads);
  if (!journal) {
    stop->Drain(StopCause::kJournalFailed, "cannot read the journal: " + journal.error().message);
    return;
  }
  auto recorded = journal->session_results();
  session->journal_agrees = recorded["uploaded"] == session->uploaded &&
                            recorded["skipped"] == session->skipped &&
                            recorded["failed"] == session->failed &&
                            recorded["cancelled"] == session->cancelled && recorded["sent"] == session->sent;
  if (!ended) return;
  s3::BlockingWaiter waiter;
  const auto client = store->MakeClient(&waiter);
  const auto left = AbortOrphanedUploads(client.get(), store->facts().Current()->clock_offset, &*journal,
                                         directory.journal());
  for (const auto& problem : left.problems) console->Note(fmt::format("note    {}", problem));
  session->uploads_left = left.problems.size();
}

// Finds out what the store has, when the job says so; stops the run when that cannot be done.
std::unique_ptr<SkipCheck> PrepareSkipping(const Options& options, const s3::Options& s3_options,
                                           const Inputs& inputs, ClientFactory* store, StopControl* stop,
                                           const std::function<void(std::string_view)>& note) {
  s3::BlockingWaiter waiter;
  const auto client = store->MakeClient(&waiter);
  const auto& prefix = s3_options.destination.prefix;
  auto check =
      SkipCheck::Prepare(options.resume.skip, options.object.posix, prefix, inputs.one_more, client.get());
  if (!check) {
    const auto& error = check.error();
    stop->Drain(s3::IsRetryable(error.kind) ? StopCause::kStoreUnreachable : StopCause::kRefused,
                "resume.skip: what is there cannot be found out: " + error.message);
    return nullptr;
  }
  if (*check && (*check)->lists()) {
    note(fmt::format("listed what is there: {} objects in {} requests", (*check)->listed_objects(),
                     (*check)->pages()));
  } else if (*check) {
    note("what is there is asked for file by file");
  }
  return std::move(*check);
}

// What the job asks for and the store is not known to do is said once, with what is done instead.
void NoteConditions(const PropertyRules& rules, const s3::Options& s3_options,
                    const std::function<void(std::string_view)>& note) {
  const auto integrity = s3::ResolveIntegrity(s3_options.integrity, s3_options.destination);
  if (!rules.AnyConditional() || integrity.complete_keeps_conditions) return;
  note(fmt::format(
      "if_none_match: a store of profile {} may ignore the condition {}; s3flow asks with HeadObject whether "
      "a "
      "key exists just before it writes it (what another writer stores in between is replaced)",
      s3::ProfileOf(s3_options.destination).name,
      integrity.put_keeps_conditions ? "when a multipart upload is completed" : "on every write"));
}

int EventLoopsOf(const UploadOptions& options, const s3::Endpoint& endpoint) {
  if (options.event_loops > 0) return options.event_loops;
  return s3::EventLoopCount(CoresOf(options), endpoint.scheme == "https");
}

// Builds the parts of one session, in the order in which they need each other, and runs the graph.
Summary RunSession(const Options& options, const s3::Options& s3_options,
                   const std::vector<s3::BucketAddress>& buckets, const RunCredentials& credentials,
                   const PropertyRules& rules, const SlotLimits& slot_limits, const RunDirectory& directory,
                   StopControl* stop, s3::TraceLog* trace, s3::RateLimits* limits) {
  std::optional<RunningShards> census;
  if (const auto& shard = options.shard; shard && !shard->plan_dir.empty()) {
    census.emplace(shard->plan_dir, shard->shard.index, shard->shard.count, limits);
  }
  Progress progress;
  Console console(options.report, &progress, stderr);
  const auto note = [&](std::string_view text) { console.Note(fmt::format("note    {}", text)); };
  if (directory.session() > 1) {
    note(fmt::format("going on with {}: {} inputs are settled", directory.path(),
                     directory.history()->inputs().done().found));
  }
  if (slot_limits.first < SlotLimitsOf(options.upload).first) {
    note(
        fmt::format("at most {} requests are in flight: this process may have no more (ulimit -n, ulimit -v)",
                    slot_limits.most));
  }
  ClientFactory store(s3_options, buckets, credentials,
                      {slot_limits.most, EventLoopsOf(options.upload, buckets.front().endpoint)}, stop, trace,
                      note, limits, options.limits.outage);
  Graph graph({slot_limits.most, options.upload.threads});
  const auto client = store.MakeClient(graph.waiter());
  BufferPool buffers(options.upload.memory_bytes);
  DigestScheduler lanes(CoresOf(options.upload), graph.waiter(),
                        [&](std::function<void()> task) { graph.Enqueue(std::move(task)); });
  const auto inputs = InputsOf(options, s3_options.destination.prefix, stop->drain_token());
  const Deadlines deadlines(options.limits, SlurmJobEnd(note), stop);
  NoteConditions(rules, s3_options, note);
  const auto skip = PrepareSkipping(options, s3_options, inputs, &store, stop, note);
  const std::stop_callback<std::function<void()>> on_drain(stop->drain_token(), [&] {
    // Other causes are the run's last word, said once, at its end.
    const auto cause = stop->cause();
    if (cause == StopCause::kInterrupt || cause == StopCause::kTerminate || cause == StopCause::kTimeLimit) {
      console.Note(fmt::format("stopping: {}; what is in flight may end", stop->message()));
    }
    for (const auto& stream : inputs.streams) stream->stream()->Cancel();
  });
  Source source(inputs.find, inputs.streams, options.upload, stop->drain_token(), directory.history(),
                &progress);
  Uploader upload({.client = client.get(),
                   .waiter = graph.waiter(),
                   .buffers = &buffers,
                   .digests = &lanes,
                   .rules = &rules,
                   .console = &console,
                   .progress = &progress,
                   .journal = directory.journal(),
                   .history = directory.history(),
                   .skip = skip.get(),
                   .options = &options.upload,
                   .stream_part_bytes = StreamPartLimit(options.upload, inputs.streams.size()),
                   .stop = stop->drain_token(),
                   .pause =
                       [&](std::chrono::milliseconds time) {
                         graph.waiter()->Wait([&](s3::Wake wake) { store.loops().WakeAfter(time, wake); });
                       },
                       .requeue = [&](const Object& object) { source.Requeue(object); },
                   .stream_ready = [&](std::shared_ptr<Object> stream,
                                       int number) { source.StreamReady(std::move(stream), number); }});
  Sink sink(directory.journal(), &console, &progress, stop, options.limits.failures);
  const auto start = std::chrono::steady_clock::now();
  ConcurrencyController slots(slot_limits, start);
  graph.Run({.next = [&] { return source.Next(graph.waiter()); },
             .upload = [&](const UploadTask& task) { return upload(task); },
             .record =
                 [&](const ObjectResult& result) {
                   sink.Record(result);
                   source.InputDone();
                 },
             .weigh =
                 [&](const SourceItem& item) {
                   const auto* task = std::get_if<UploadTask>(&item);
                   return task != nullptr ? slots.WeightOf(BodyBytes(*task)) : 1;
                 },
             .next_slots =
                 [&](const TaskStats& task) {
                   const auto* result = task.result;
                   const bool undisturbed =
                       result == nullptr || (result->outcome == Outcome::kUploaded && result->attempts == 1);
                   return slots.Return({task.slots, task.bytes, task.took, undisturbed},
                                       store.admission().throttled(), std::chrono::steady_clock::now());
                 },
             .first_slots = slot_limits.first});

  sink.End(source.done_before().found);
  Summary summary = sink.summary();
  summary.session = directory.session();
  summary.found = source.found();
  summary.source_exhausted = source.exhausted();
  Conclude(&store, directory, !stop->cause() && !summary.WorkLeft(), stop, &console, &summary);
  summary.AddSettled(source.done_before());
  summary.credential_renewals = store.credentials().renewals();
  summary.stragglers = store.stragglers();
  summary.seconds = std::chrono::steady_clock::now() - start;
  summary.slots = slots.series();
  summary.peak_memory_bytes = PeakMemoryBytes();
  summary.shard = options.identity.shard;
  summary.scheduler = options.identity.scheduler;
  if (trace != nullptr && !trace->problem().empty()) {
    note(fmt::format("the trace is not whole: {}", trace->problem()));
  }
  return summary;
}

RunResult Refused(RunResult run, ExitStatus status, std::string message) {
  run.status = status;
  run.message = std::move(message);
  return run;
}

// The last lines: journal, then summary. What cannot be written is the run's end, whatever else it was.
void RecordEnd(const RunDirectory& directory, RunResult* run) {
  const bool complete =
      !run->summary.WorkLeft() && run->summary.uploads_left == 0 && run->status != kExitBroken;
  auto written = directory.journal()->Append(EndLine({run->status, complete}));
  if (written) written = directory.journal()->Sync();
  if (!written) {
    run->status = kExitJournal;
    run->message = "cannot write the journal: " + written.error().message;
  }
  const auto summary = directory.dir().Write(kSummaryName, SummaryJson(run->summary, run->status), 0644);
  if (!summary && run->status != kExitBroken) {
    run->status = kExitJournal;
    run->message = "cannot write the summary: " + summary.error().message;
  }
}

}  // namespace

void SetRateLimits(const LimitOptions& options, s3::RateLimits* limits) {
  limits->bytes_per_second = options.bandwidth_bytes;
  limits->requests_per_second = static_cast<std::uint64_t>(options.requests_per_second);
}

RunResult Run(const Options& given, const s3::Options& s3_options, const RunCredentials& credentials,
              StopControl* stop, s3::TraceLog* trace, s3::RateLimits* limits) {
  auto options = given;
  RunResult run;
  run.run_dir_argument = NameRunDir(&options);
  s3::RateLimits own_limits;
  SetRateLimits(options.limits, &own_limits);
  run.run_dir = options.report.run_dir;
  const auto buckets = s3::ResolveBucket(s3_options.destination);
  if (!buckets) return Refused(run, kExitConfig, buckets.error().message);
  if (const auto problem = InputProblem(options)) return Refused(run, kExitNoInput, "source: " + *problem);
  const auto rules = PropertyRules::Load(options.object);
  if (!rules) return Refused(run, kExitConfig, rules.error().message);
  if (const auto fit = FitThreads(EventLoopsOf(options.upload, buckets->front().endpoint), &options); !fit)
    return Refused(run, kExitSystem, fit.error().message);
  const auto size = FitInto(ReadProcessLimits(), EventLoopsOf(options.upload, buckets->front().endpoint),
                            {SlotLimitsOf(options.upload), options.upload.memory_bytes});
  if (!size) return Refused(run, kExitSystem, size.error().message);
  options.upload.memory_bytes = size->memory_bytes;
  const auto directory = RunDirectory::Open(run.run_dir, options.identity, ScopeOf(options, s3_options),
                                            options.resume, [stop](const s3::Error& error) {
                                              stop->Drain(StopCause::kJournalFailed,
                                                          "cannot write the journal: " + error.message);
                                            });
  if (!directory) return Refused(run, directory.error().status, directory.error().message);

  run.summary = RunSession(options, s3_options, *buckets, credentials, *rules, size->slots, *directory, stop,
                           trace, limits != nullptr ? limits : &own_limits);
  run.message = stop->message();
  if (stop->cause() == StopCause::kRefused) {
    run.message += fmt::format(" (bucket {} at {})", s3_options.destination.bucket,
                               buckets->front().endpoint.HostAndPort());
  }
  run.status = ExitStatusOf(run.summary, stop->cause(), EmptyIsFine(options));
  if (run.status == kExitNoInput) run.message = "the source is empty (allow_empty: true makes that no error)";
  RecordEnd(*directory, &run);
  return run;
}

}  // namespace pipeline

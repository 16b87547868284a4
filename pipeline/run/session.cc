#include "pipeline/run/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/graph/graph.h"
#include "pipeline/graph/sink.h"
#include "pipeline/graph/source.h"
#include "pipeline/plan/running_shards.h"
#include "pipeline/report/console.h"
#include "pipeline/report/format.h"
#include "pipeline/run/inputs.h"
#include "pipeline/run/series_writer.h"
#include "pipeline/runtime/deadlines.h"
#include "pipeline/runtime/process_usage.h"
#include "pipeline/runtime/resource_limits.h"
#include "pipeline/runtime/scheduler.h"
#include "pipeline/timing/verdict.h"
#include "pipeline/upload/buffers.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "pipeline/upload/skip.h"
#include "pipeline/upload/uploader.h"
#include "s3/stores/store_profiles.h"

namespace pipeline {
namespace {

using Note = std::function<void(std::string_view)>;
using Clock = std::chrono::steady_clock;

// Returns true if the limits of the process, such as ulimit -n, allow fewer slots than upload.concurrency.
bool HasFewerSlots(const SessionContext& context) {
  return context.setup.slots.most < SlotLimitsOf(context.setup.options.upload).most;
}

// Tells the user, before the first request, what is resumed and where the run differs from the job's
// settings.
void NoteStart(const SessionContext& context, const Note& note) {
  const auto& [options, buckets, rules, slots] = context.setup;
  if (context.directory.session() > 1) {
    note(fmt::format("resuming {}: {} already done", context.directory.path(),
                     Counted(context.directory.history()->inputs().done().found, "input", "inputs")));
  }
  if (slots.first < SlotLimitsOf(options.upload).first) {
    note(
        fmt::format("at most {} requests in flight: the process limits allow no more (raise ulimit -n or "
                    "ulimit -v)",
                    slots.most));
  }
  const auto& destination = context.s3_options.destination;
  const auto integrity = s3::ResolveIntegrity(context.s3_options.integrity, destination);
  if (!rules.AnyConditional() || integrity.complete_keeps_conditions) return;
  note(fmt::format(
      "if_none_match: a store of profile {} may ignore the condition {}; s3flow sends a "
      "HeadObject before each write instead (an object that another writer stores in between is "
      "replaced)",
      s3::ProfileOf(destination).name,
      integrity.put_keeps_conditions ? "when a multipart upload is completed" : "on every write"));
}

// Returns the maximum part size of a stream, in bytes. With parts of that size, all streams together hold at
// most a quarter of the memory while they wait for their writers.
std::uint64_t StreamPartLimit(const UploadOptions& options, std::size_t streams) {
  return BufferPool::LargestRequest(options.memory_bytes / (4 * std::max<std::size_t>(streams, 1)));
}

// Returns true if a stop with this cause is announced when it begins. Stops with other causes are reported
// only at the end of the run.
bool IsAnnounced(std::optional<StopCause> cause) {
  return cause == StopCause::kInterrupt || cause == StopCause::kTerminate || cause == StopCause::kTimeLimit;
}

bool HasCounts(std::map<std::string, std::uint64_t, std::less<>> recorded, const Summary& counted) {
  return recorded["uploaded"] == counted.uploaded && recorded["skipped"] == counted.skipped &&
         recorded["failed"] == counted.failed && recorded["cancelled"] == counted.cancelled &&
         recorded["sent"] == counted.sent;
}

// The parts of a session, as members in build order: each part may use the parts above it. They are destroyed
// in the opposite order, which ends their threads.
class Session {
 public:
  // If resume.skip needs a list of the destination, reads it, which may take minutes. `progress` and
  // `console` are not owned.
  Session(const SessionContext& context, Progress* progress, Console* console, const Note& note);

  ~Session();

  // Runs the graph to its end. Called once.
  Summary Run();
  // Gives the present state and numbers. Any thread.
  void Fill(LiveStatus* status) const;

 private:
  using StopCallback = std::stop_callback<std::function<void()>>;

  Parallelism ParallelismOf() const;
  std::unique_ptr<SkipCheck> PrepareSkipCheck();
  UploadContext UploadContextOf();
  void AnnounceStop();
  TransferState Transfer();
  double SecondsPerObject() const;
  std::string_view WaitsFor();
  void AddTiming(Summary* summary);
  GraphCallbacks Callbacks();
  int WeightOf(const SourceItem& item) const;
  int SlotsAfter(const TaskStats& task);
  void VerifyAndCleanUp(Summary* summary);
  std::uint64_t AbortOrphans(History* journal);

  const SessionContext context_;
  const Options& options_;
  Progress* const progress_;
  Console* const console_;
  const Note note_;

  const std::unique_ptr<RunningShards> running_shards_;  // null without a plan
  ClientFactory clients_;
  Graph graph_;
  const std::unique_ptr<s3::Client> client_;
  BufferPool buffers_;
  DigestScheduler digests_;
  TasksInFlight tasks_;
  const Inputs inputs_;
  const Deadlines deadlines_;
  const std::unique_ptr<SkipCheck> skip_;  // null when nothing is skipped
  const StopCallback on_drain_;
  Source source_;
  Uploader uploader_;
  Sink sink_;
  const Clock::time_point start_;
  const double cpu_before_ = ProcessCpuSeconds();
  ConcurrencyController slots_;
  SeriesWriter series_;  // its thread reads the members above
  const InputEstimate estimate_;
};

std::unique_ptr<RunningShards> JoinRunningShards(const SessionContext& context) {
  const auto& shard = context.setup.options.shard;
  if (!shard || shard->plan_dir.empty()) return nullptr;
  return std::make_unique<RunningShards>(shard->plan_dir, shard->shard.index, shard->shard.count,
                                         context.limits);
}

Session::Session(const SessionContext& context, Progress* progress, Console* console, const Note& note)
    : context_(context),
      options_(context.setup.options),
      progress_(progress),
      console_(console),
      note_(note),
      running_shards_(JoinRunningShards(context)),
      clients_(context.s3_options, context.setup.buckets, context.credentials, ParallelismOf(), context.stop,
               context.trace, note_, context.limits, options_.limits.outage),
      graph_({context.setup.slots.most, options_.upload.threads}),
      client_(clients_.MakeClient(graph_.waiter())),
      buffers_(options_.upload.memory_bytes),
      digests_(
          CoresOf(options_.upload), graph_.waiter(),
          [this](std::function<void()> task) { graph_.Enqueue(std::move(task)); }, graph_.slot_time()),
      inputs_(InputsOf(options_, context.s3_options.destination.prefix, context.stop->drain_token())),
      deadlines_(options_.limits, SlurmJobEnd(note_), context.stop),
      skip_(PrepareSkipCheck()),
      on_drain_(context.stop->drain_token(), [this] { AnnounceStop(); }),
      source_(inputs_.find, inputs_.streams, options_.upload, context.stop->drain_token(),
              context.directory.history(), progress_),
      uploader_(UploadContextOf()),
      sink_(context.directory.journal(), console_, progress_, context.stop, options_.limits.failures,
            options_.report.journal),
      start_(Clock::now()),
      slots_(context.setup.slots, start_),
      series_(context.directory.dir(), graph_.slot_time(), progress_, CoresOf(options_.upload)),
      estimate_(inputs_.count, context.directory.history()->inputs().done_work(), progress_) {
  console_->Watch([this] { return Transfer(); });
}

Session::~Session() { console_->Watch(nullptr); }

TransferState Session::Transfer() {
  const auto sent = clients_.sent_bytes();
  return {sent.total, sent.in_flight, WaitsFor(), tasks_.Slowest(Clock::now()), SecondsPerObject()};
}

// Returns the mean wait of a request for its response, divided by the number of slots; 0 if not known.
double Session::SecondsPerObject() const {
  const auto requests = clients_.latencies().count();
  const double waited = series_.slot_seconds()[s3::SlotState::kFirstByte];
  return requests > 0 ? waited / static_cast<double>(requests) / std::max(slots_.circulation(), 1) : 0;
}

// Returns what the run waits for, as far as the counters tell; empty if they do not tell.
std::string_view Session::WaitsFor() {
  if (context_.stop->cause()) return "requests in flight to end";
  using Delay = s3::AdmissionController::Delay;
  switch (clients_.CurrentDelay()) {
    case Delay::kStoreAway: return "the store, which does not answer";
    case Delay::kStoreFull: return "room in the store, which is full";
    case Delay::kUserLimits: return "limits.bandwidth or limits.requests_per_second";
    case Delay::kThrottling: return "the store, which asks for fewer requests";
    case Delay::kNone: break;
  }
  const bool is_starved = progress_->in_flight == 0 && !progress_->all_found;
  return is_starved ? "the search for files" : PhraseOf(series_.limit());
}

Parallelism Session::ParallelismOf() const {
  return {context_.setup.slots.most, EventLoopsOf(options_.upload, context_.setup.buckets.front().endpoint)};
}

// Prepares resume.skip, if the job sets it. If that fails, drains the run.
std::unique_ptr<SkipCheck> Session::PrepareSkipCheck() {
  s3::BlockingWaiter waiter;
  const auto client = clients_.MakeClient(&waiter);
  auto check = SkipCheck::Prepare(options_.resume.skip, options_.object.posix,
                                  context_.s3_options.destination.prefix, inputs_.one_more, client.get());
  if (!check) {
    const auto& error = check.error();
    const auto cause = s3::IsRetryable(error.kind) ? StopCause::kStoreUnreachable : StopCause::kRefused;
    context_.stop->Drain(cause, "resume.skip: cannot list the existing objects: " + error.message);
    return nullptr;
  }
  if (*check && (*check)->lists()) {
    note_(fmt::format("resume.skip: listed {} in {}",
                      Counted((*check)->listed_objects(), "object", "objects"),
                      Counted(static_cast<std::uint64_t>((*check)->pages()), "request", "requests")));
  } else if (*check) {
    note_("resume.skip: one HeadObject for each file");
  }
  return std::move(*check);
}

UploadContext Session::UploadContextOf() {
  return {.client = client_.get(),
          .waiter = graph_.waiter(),
          .buffers = &buffers_,
          .digests = &digests_,
          .rules = &context_.setup.rules,
          .console = console_,
          .progress = progress_,
          .journal = context_.directory.journal(),
          .history = context_.directory.history(),
          .skip = skip_.get(),
          .options = &options_.upload,
          .stream_part_bytes = StreamPartLimit(options_.upload, inputs_.streams.size()),
          .stop = context_.stop->drain_token(),
          .pause =
              [this](std::chrono::milliseconds time) {
                graph_.waiter()->Wait(s3::SlotState::kBackoff,
                                      [&](s3::Wake wake) { clients_.loops().WakeAfter(time, wake); });
              },
          .requeue = [this](const Object& object) { source_.Requeue(object); },
          .stream_ready = [this](std::shared_ptr<Object> stream,
                                 int number) { source_.StreamReady(std::move(stream), number); },
          .tasks = &tasks_,
          .slot_time = graph_.slot_time()};
}

void Session::AnnounceStop() {
  if (IsAnnounced(context_.stop->cause())) {
    console_->Stopping(fmt::format(
        "{}; requests in flight may finish, within {} (limits.drain); a second signal stops at once",
        context_.stop->message(),
        HumanDuration(std::chrono::duration<double>(options_.limits.drain).count())));
  }
  for (const auto& stream : inputs_.streams) stream->stream()->Cancel();
}

GraphCallbacks Session::Callbacks() {
  return {.next = [this] { return source_.Next(graph_.source_waiter()); },
          .upload = [this](const UploadTask& task) { return uploader_(task); },
          .record =
              [this](const ObjectResult& result) {
                sink_.Record(result);
                source_.InputDone();
              },
          .weigh = [this](const SourceItem& item) { return WeightOf(item); },
          .next_slots = [this](const TaskStats& task) { return SlotsAfter(task); },
          .first_slots = context_.setup.slots.first};
}

int Session::WeightOf(const SourceItem& item) const {
  const auto* task = std::get_if<UploadTask>(&item);
  return task != nullptr ? slots_.WeightOf(BodyBytes(*task)) : 1;
}

int Session::SlotsAfter(const TaskStats& task) {
  const auto* result = task.result;
  const bool undisturbed =
      result == nullptr || (result->outcome == Outcome::kUploaded && result->attempts == 1);
  return slots_.Return({task.slots, task.bytes, task.took, undisturbed}, clients_.admission().throttled(),
                       task.now);
}

// Compares the journal with the counts, and aborts open uploads if no work is left. Drains the run if the
// journal cannot be read.
void Session::VerifyAndCleanUp(Summary* summary) {
  const auto& directory = context_.directory;
  if (directory.journal()->failed()) return;  // reported by the journal's own callback
  const bool is_finished = !context_.stop->cause() && !summary->WorkLeft();
  auto journal = History::Load(directory.dir(), History::Depth::kOpenUploads);
  if (!journal) {
    context_.stop->Drain(StopCause::kJournalFailed, "cannot read the journal: " + journal.error().message);
    return;
  }
  summary->journal_agrees = HasCounts(journal->session_results(), *summary);
  if (is_finished) summary->uploads_left = AbortOrphans(&*journal);
}

// Returns how many uploads could not be aborted.
std::uint64_t Session::AbortOrphans(History* journal) {
  s3::BlockingWaiter waiter;
  const auto client = clients_.MakeClient(&waiter);
  const auto orphans = AbortOrphanedUploads(client.get(), clients_.facts().Current()->clock_offset, journal,
                                            context_.directory.journal());
  for (const auto& problem : orphans.problems) note_(problem);
  return orphans.problems.size();
}

void Session::Fill(LiveStatus* status) const {
  const auto& now = *progress_;
  FillCounts(now, source_.done_before(), status);
  const auto& done = context_.directory.history()->inputs().done();
  status->expected = {.inputs = now.expected, .bytes = now.expected_bytes};
  if (now.expected > 0) status->expected.inputs += done.found;
  if (now.expected_bytes > 0) status->expected.bytes += done.uploaded_bytes;
  status->throttled = clients_.admission().throttled();
  status->concurrency = slots_.circulation();
  status->slot_seconds = series_.slot_seconds();
  status->seconds_per_object = SecondsPerObject();
  const auto outage = clients_.admission().outage();
  status->waiting_for = outage.empty() ? std::string(series_.limit()) : outage;
  const bool has_begun = now.done > 0 || now.in_flight > 0 || now.all_found;
  const auto state = has_begun ? RunState::kRunning : RunState::kWalking;
  const auto connected = outage.empty() ? state : RunState::kWaiting;
  status->state = context_.stop->cause() ? RunState::kDraining : connected;
}

// Adds where the time went, and what limited the session.
void Session::AddTiming(Summary* summary) {
  const std::chrono::duration<double> elapsed = Clock::now() - start_;
  summary->slot_seconds = series_.End();
  summary->latency = clients_.latencies().Stats();
  summary->verdict = VerdictOf(
      {.slot_seconds = summary->slot_seconds,
       .seconds = elapsed.count(),
       .cpu_seconds = ProcessCpuSeconds() - cpu_before_,
       .cores = CoresOf(options_.upload),
       .max_slots = context_.setup.slots.most,
       .slot_limit = HasFewerSlots(context_) ? "the limits of this process (ulimit)" : "upload.concurrency",
       .latency = clients_.latencies().OfData()});
  if (const auto problem = series_.problem(); !problem.empty()) {
    note_("series.jsonl is incomplete: " + problem);
  }
}

Summary Session::Run() {
  graph_.Run(Callbacks());
  sink_.End(source_.done_before().found);

  Summary summary = sink_.summary();
  AddTiming(&summary);
  summary.session = context_.directory.session();
  summary.found = source_.found();
  summary.found_bytes = progress_->found_bytes;
  summary.source_exhausted = source_.exhausted();
  VerifyAndCleanUp(&summary);  // before AddEarlier(), because it compares the counts of this session only
  summary.AddEarlier(source_.done_before());
  summary.credential_renewals = clients_.credentials().renewals();
  summary.stragglers = clients_.stragglers();
  summary.transport = s3::NameOf(clients_.transport().kind);
  summary.seconds = Clock::now() - start_;
  summary.slots = slots_.series();
  summary.peak_memory_bytes = PeakMemoryBytes();
  summary.shard = options_.identity.shard;
  summary.scheduler = options_.identity.scheduler;
  if (context_.trace != nullptr && !context_.trace->problem().empty()) {
    note_(fmt::format("the trace is incomplete: {}", context_.trace->problem()));
  }
  return summary;
}

}  // namespace

Summary RunSession(const SessionContext& context) {
  Progress progress;
  Console console(context.setup.options.report, &progress, stderr, context.log_fd);
  const Note note = [&console](std::string_view text) { console.Note(text); };
  NoteStart(context, note);
  Session session(context, &progress, &console, note);
  const auto attached = context.status->Attach([&session](LiveStatus* status) { session.Fill(status); });
  return session.Run();
}

}  // namespace pipeline

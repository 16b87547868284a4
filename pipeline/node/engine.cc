#include "pipeline/node/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <system_error>
#include <utility>

#include "pipeline/graph/slot_limits.h"
#include "pipeline/journal/record.h"
#include "pipeline/journal/run_scope.h"
#include "pipeline/node/translate.h"
#include "pipeline/run/process_limits.h"
#include "pipeline/run/run_setup.h"
#include "pipeline/runtime/resource_limits.h"
#include "pipeline/upload/orphaned_uploads.h"
#include "s3/base/environment.h"
#include "s3/credentials/providers/chain.h"

namespace pipeline {
namespace {

constexpr char kNotPassedOn[] = "a result could not be passed on: an exception in its receiver, or no memory";
constexpr char kDoneEarlier[] = "an earlier uploader has stored it, and the file has not changed";

// Blocks signals in the threads that are started while this object exists. The program's own threads get the
// signals that are sent to the process. And a connection that breaks during sendfile(2) or a TLS write fails
// with EPIPE, whatever the program does with SIGPIPE.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t blocked;
    sigfillset(&blocked);
    // These are sent to the thread that causes them. Profilers use SIGPROF in all threads.
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF}) {
      sigdelset(&blocked, signal);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

std::function<void(std::string_view)> NoticeOf(const s3flow::Options& options) {
  if (options.notice) return options.notice;
  return [](std::string_view) {};
}

s3::Result<RunCredentials> FindCredentials(const s3flow::Options& options, const s3::Options& store) {
  const s3::ProviderContext context{
      .environment = s3::ProcessEnvironment(),
      .region = store.destination.region,
      .services = store.transport,
      .hidden = {store.credentials.secret_access_key, store.credentials.session_token},
      .warn = NoticeOf(options)};
  auto first = s3::LoadCredentials(store.credentials, context);
  if (!first) return tl::unexpected(first.error());
  auto renew = [credentials = store.credentials, context](std::stop_token end) {
    auto renewal = context;
    renewal.warn = [](std::string_view) {};
    renewal.stop = std::move(end);
    return s3::LoadCredentials(credentials, renewal);
  };
  return RunCredentials{std::move(*first), std::move(renew)};
}

s3::Result<void> OpenDirectory(EngineSetup* setup) {
  const auto& path = setup->run.report.run_dir;
  if (path.empty()) return {};
  auto opened = RunDirectory::Open(path, setup->run.identity, ScopeOf(setup->run, setup->store),
                                   setup->run.resume, DrainOnJournalFailure(setup->stop.get()));
  if (!opened) return s3::Fail(s3::ErrorKind::kLocal, "run_dir: " + opened.error().message);
  setup->directory.emplace(std::move(*opened));
  return {};
}

s3::Result<EngineSetup> SetUp(const s3flow::Options& options) {
  if (auto problem = OptionsProblem(options)) return s3::Fail(s3::ErrorKind::kUnsupported, *problem);
  EngineSetup setup{.options = options, .stop = std::make_unique<StopControl>()};
  setup.run = RunOptionsOf(options);
  setup.store = StoreOptionsOf(options);
  auto buckets = s3::ResolveBucket(setup.store.destination);
  if (!buckets) return tl::unexpected(buckets.error());
  setup.buckets = std::move(*buckets);
  auto rules = PropertyRules::Load(setup.run.object);
  if (!rules) return tl::unexpected(rules.error());
  setup.rules.emplace(std::move(*rules));
  setup.event_loops = EventLoopsOf(setup.run.upload, setup.buckets.front().endpoint);
  // Besides workers and event loops: source, journal, lock, deadlines, credential renewal, name resolution,
  // and the thread that watches the graph of UploadNode.
  const int threads = CoresOf(setup.run.upload) + setup.event_loops + 7;
  const auto size = FitInto(ReadProcessLimits(), setup.event_loops,
                            {SlotLimitsOf(setup.run.upload), setup.run.upload.memory_bytes},
                            AddressUseOfGuest(threads, Graph::StackBytes(true)));
  if (!size) return tl::unexpected(size.error());
  setup.slots = size->slots;
  setup.run.upload.memory_bytes = size->memory_bytes;
  auto credentials = FindCredentials(options, setup.store);
  if (!credentials) return tl::unexpected(credentials.error());
  setup.credentials = std::move(*credentials);
  if (auto opened = OpenDirectory(&setup); !opened) return tl::unexpected(opened.error());
  return setup;
}

}  // namespace

s3::Result<std::unique_ptr<Engine>> Engine::Open(const s3flow::Options& options) {
  const SignalsBlocked blocked;
  auto setup = SetUp(options);
  if (!setup) return tl::unexpected(std::move(setup.error()));
  try {
    return std::unique_ptr<Engine>(new Engine(std::move(*setup)));
  } catch (const std::system_error& error) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    fmt::format("a thread could not be started ({}): raise ulimit -u, or pids.max of the "
                                "control group",
                                error.code().message()));
  }
}

Engine::Engine(EngineSetup setup)
    : setup_(std::move(setup)),
      console_(setup_.run.report, &progress_, stderr),
      clients_(setup_.store, setup_.buckets, setup_.credentials, {setup_.slots.most, setup_.event_loops},
               stop_, nullptr, NoticeOf(setup_.options), &limits_, setup_.run.limits.outage),
      graph_({.concurrency = setup_.slots.most, .threads = CoresOf(setup_.run.upload), .is_guest = true}),
      client_(clients_.MakeClient(graph_.waiter())),
      buffers_(setup_.run.upload.memory_bytes),
      digests_(
          CoresOf(setup_.run.upload), graph_.waiter(),
          [this](std::function<void()> task) { graph_.Enqueue(std::move(task)); }, graph_.slot_time()),
      deadlines_(setup_.run.limits, std::nullopt, stop_),
      // The source never stops early: after a stop it hands out the remaining inputs, whose tasks cancel
      // them. So every input gets a result.
      source_([this](const Yield& yield) { return Find(yield); }, {}, setup_.run.upload, std::stop_token(),
              setup_.directory ? setup_.directory->history() : &no_history_, &progress_),
      uploader_(ContextOf()),
      slots_(setup_.slots, std::chrono::steady_clock::now()) {
  limits_.bytes_per_second = setup_.options.bandwidth_bytes_per_second;
  limits_.requests_per_second = setup_.options.requests_per_second;
}

Engine::~Engine() {
  if (inbox_.open() > 0) CancelWith("the uploader was destroyed");
  inbox_.End();
  if (!thread_.joinable()) return;  // never started
  thread_.join();
  RecordEnd();
}

void Engine::Start(OnResult on_result) {
  on_result_ = std::move(on_result);
  thread_ = std::thread([this] { graph_.Run(Callbacks()); });
}

// Copies and checks the input here, so that a lack of memory is an exception of the caller.
void Engine::Submit(s3flow::Upload upload) {
  inbox_.Push(SubmissionOf(std::move(upload), setup_.store.destination.prefix));
}

void Engine::Cancel(const std::string& reason) { stop_->Drain(StopCause::kTerminate, reason); }

s3flow::Statistics Engine::statistics() const {
  return {.open = inbox_.open(),
          .in_flight = static_cast<std::uint64_t>(std::max(progress_.in_flight.load(), 0)),
          .sent_bytes = progress_.done_bytes,
          .retries = progress_.retries,
          .peak_memory_bytes = buffers_.peak_bytes()};
}

// Runs in the source's thread. No exception may end it, because every input gets a result.
bool Engine::Find(const Yield& yield) {
  while (auto submission = inbox_.Pop()) {
    const std::shared_ptr<const InputFile> file = submission->file;
    try {
      if (yield(InputFor(std::move(*submission))) == Backpressure::kStop) return false;
    } catch (const std::exception&) {  // std::bad_alloc, before the queue of the source has the input
      RecordOne(WithoutMemory(file));
    }
  }
  return true;
}

// Only a file is skipped. A buffer that has the key and size of an earlier one may have other content. A key
// that this uploader has got before may have been written again, and the journal does not record the
// properties of one input.
Input Engine::InputFor(Submission submission) {
  auto input = InputOf(std::move(submission));
  const auto* file = std::get_if<std::shared_ptr<const InputFile>>(&input);
  if (file == nullptr || !setup_.directory) return input;
  const bool is_first = keys_.insert(std::hash<std::string>{}((*file)->key)).second;
  const auto& own = *(*file)->embedded;
  if (!is_first || (*file)->is_buffer() || !own.properties.entries().empty()) return input;
  const auto done = setup_.directory->history()->inputs().FindDone(**file);
  if (!done || done->outcome != Outcome::kUploaded) return input;
  ObjectResult result;
  result.outcome = Outcome::kSkipped;
  result.reason = kDoneEarlier;
  result.size_bytes = done->size_bytes;
  result.mtime_ns = (*file)->mtime_ns;
  result.file = *file;
  return result;
}

UploadContext Engine::ContextOf() {
  return {.client = client_.get(),
          .waiter = graph_.waiter(),
          .buffers = &buffers_,
          .digests = &digests_,
          .rules = &*setup_.rules,
          .console = &console_,
          .progress = &progress_,
          .journal = journal(),
          .history = setup_.directory ? setup_.directory->history() : &no_history_,
          .skip = nullptr,
          .options = &setup_.run.upload,
          .stream_part_bytes = 0,  // there are no streams
          .stop = stop_->drain_token(),
          .pause =
              [this](std::chrono::milliseconds time) {
                graph_.waiter()->Wait(s3::SlotState::kBackoff,
                                      [&](s3::Wake wake) { clients_.loops().WakeAfter(time, wake); });
              },
          .requeue = [this](const Object& object) { source_.Requeue(object); },
          .stream_ready = nullptr,
          .tasks = &tasks_,
          .slot_time = graph_.slot_time()};
}

GraphCallbacks Engine::Callbacks() {
  return {.next = [this] { return source_.Next(graph_.source_waiter()); },
          .upload = [this](const UploadTask& task) { return uploader_(task); },
          .record = [this](const ObjectResult& result) { Record(result); },
          .weigh =
              [this](const SourceItem& item) {
                const auto* task = std::get_if<UploadTask>(&item);
                return task != nullptr ? slots_.WeightOf(BodyBytes(*task)) : 1;
              },
          .next_slots = [this](const TaskStats& task) { return SlotsAfter(task); },
          .first_slots = setup_.slots.first};
}

void Engine::Record(const ObjectResult& result) {
  RecordOne(result);
  source_.InputDone();
}

// One result at a time. A journal that cannot be written stops the uploader (DrainOnJournalFailure); the
// object is in the store nevertheless. The receiver is called in any case, because it counts its inputs.
void Engine::RecordOne(const ObjectResult& result) {
  const s3::MutexLock lock(record_mutex_);
  s3flow::UploadResult translated;
  try {
    summary_.Count(result);
    const bool is_recorded = result.reason == kDoneEarlier;
    if (journal() != nullptr && !is_recorded) (void)journal()->Append(ResultLine(result));
    const bool is_cancelled = result.outcome == Outcome::kCancelled;
    translated = PublicResult(result, is_cancelled ? stop_->message() : "");
  } catch (const std::exception&) {
    translated = ShortResult(result);
    CancelWith(kNotPassedOn);
  }
  try {
    on_result_(std::move(translated));
  } catch (...) {
    CancelWith(kNotPassedOn);
  }
  inbox_.Close();
}

// If there is no memory for the reason, cancels without one.
void Engine::CancelWith(const char* reason) noexcept {
  try {
    Cancel(reason);
  } catch (const std::bad_alloc&) {
    stop_->Drain(StopCause::kTerminate, kNoMemory);
  }
}

int Engine::SlotsAfter(const TaskStats& task) {
  const auto* result = task.result;
  const bool undisturbed =
      result == nullptr || (result->outcome == Outcome::kUploaded && result->attempts == 1);
  return slots_.Return({task.slots, task.bytes, task.took, undisturbed}, clients_.admission().throttled(),
                       task.now);
}

// As at the end of a run without work left: aborts the uploads that this or an earlier uploader has left in
// the store. Reads the journal only if there may be such uploads.
void Engine::AbortOrphans() {
  const auto& earlier = setup_.directory->history()->uploads();
  if (!earlier.any() && earlier.creations().empty() && progress_.retries == 0) return;
  auto history = History::Load(setup_.directory->dir(), History::Depth::kOpenUploads);
  if (!history) return;
  Cancel("the uploader was destroyed");  // so that Options::drain limits the time
  s3::BlockingWaiter waiter;
  const auto client = clients_.MakeClient(&waiter);
  const auto orphans =
      AbortOrphanedUploads(client.get(), clients_.facts().Current()->clock_offset, &*history, journal());
  for (const auto& problem : orphans.problems) NoticeOf(setup_.options)(problem);
}

// Errors of the journal are in its state already; nobody is left to be told.
void Engine::RecordEnd() {
  if (!setup_.directory) return;
  // After a stop, another process may have the directory, or a result may be missing in the journal.
  const bool is_complete = summary_.failed + summary_.cancelled == 0 && !stop_->cause();
  try {
    if (is_complete) AbortOrphans();
    const int status = summary_.failed + summary_.cancelled == 0 ? kExitOk : kExitSomeFailed;
    (void)journal()->Append(EndLine({status, is_complete}));
    (void)journal()->Sync();
  } catch (const std::exception&) {  // std::bad_alloc: the next uploader tries again
  }
}

}  // namespace pipeline

#include "pipeline/report/console.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"

namespace pipeline {
namespace {

using Clock = std::chrono::steady_clock;

// How often progress is measured and an area is redrawn. A resized terminal is noticed then, too.
constexpr std::chrono::milliseconds kTick{250};

ProgressStyle StyleOf(ProgressStyle wanted, std::FILE* out) {
  const bool wants_area = wanted == ProgressStyle::kAuto || wanted == ProgressStyle::kBar;
  if (wanted == ProgressStyle::kAuto && !IsSmartTerminal(out)) return ProgressStyle::kLines;
  return wants_area ? ProgressStyle::kBar : wanted;
}

std::uint64_t BytesToSend(const Progress& progress, std::uint64_t bytes) {
  return bytes - std::min<std::uint64_t>(progress.left_out_bytes, bytes);
}

std::string Describe(const s3::Error& error) {
  std::string text = error.message;
  if (!error.code.empty()) text += fmt::format(" [{}]", error.code);
  return Printable(text);
}

Event EventOf(std::string_view name, std::string text, const InputFile& file) {
  return {.name = name, .text = std::move(text), .fields = {{"path", file.path}}};
}

void AddError(const s3::Error& error, Event* event) {
  event->fields.emplace_back("kind", std::string(s3::KindName(error.kind)));
  event->fields.emplace_back("message", error.message);
  if (!error.code.empty()) event->fields.emplace_back("code", error.code);
}

std::string ResultText(const ObjectResult& result) {
  const auto path = Printable(result.file->path);
  const auto attempts = Counted(static_cast<std::uint64_t>(result.attempts), "attempt", "attempts");
  const auto after = result.attempts > 1 ? fmt::format(" (after {})", attempts) : "";
  switch (result.outcome) {
    case Outcome::kFailed: return fmt::format("failed  {}{}: {}", path, after, Describe(*result.error));
    case Outcome::kCancelled: return fmt::format("cancel  {}{}: {}", path, after, Describe(*result.error));
    case Outcome::kSkipped: return fmt::format("skipped {}: {}", path, result.reason);
    case Outcome::kUploaded:
    case Outcome::kSent: break;
  }
  return fmt::format("done    {} -> {}: {}, {}, {:.2f} s", path, Printable(result.file->key),
                     Counted(result.size_bytes, "byte", "bytes"), attempts, result.seconds.count());
}

Event ResultEvent(const ObjectResult& result) {
  auto event = EventOf(OutcomeName(result.outcome), ResultText(result), *result.file);
  event.fields.emplace_back("attempts", static_cast<std::uint64_t>(result.attempts));
  const bool has_error = result.outcome == Outcome::kFailed || result.outcome == Outcome::kCancelled;
  if (has_error && result.error) AddError(*result.error, &event);
  if (result.outcome == Outcome::kSkipped) event.fields.emplace_back("message", result.reason);
  if (result.outcome == Outcome::kUploaded || result.outcome == Outcome::kSent) {
    event.fields.emplace_back("key", result.file->key);
    event.fields.emplace_back("size_bytes", result.size_bytes);
    event.fields.emplace_back("seconds", result.seconds.count());
  }
  if (result.outcome == Outcome::kFailed) event.color = Color::kRed;
  return event;
}

}  // namespace

Console::Console(const ReportOptions& options, const Progress* progress, std::FILE* out, int log_fd)
    : options_(options),
      style_(StyleOf(options.progress, out)),
      progress_(progress),
      log_(options, out, log_fd) {
  if (style_ == ProgressStyle::kBar) area_.emplace(out);
  if (style_ != ProgressStyle::kNone) thread_ = std::thread([this] { ShowProgress(); });
}

Console::~Console() {
  {
    const s3::MutexLock lock(mutex_);
    quit_ = true;
    changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
  const s3::MutexLock lock(mutex_);
  if (hidden_failures_ > 0) {
    Write({.name = "note",
           .text = fmt::format("and {} more {}: see journal.jsonl in the run directory", hidden_failures_,
                               hidden_failures_ == 1 ? "failure" : "failures"),
           .fields = {{"hidden_failures", hidden_failures_}}});
  }
  area_.reset();
}

void Console::Watch(std::function<TransferState()> read) {
  const s3::MutexLock lock(mutex_);
  transfer_ = std::move(read);
}

void Console::Start(const InputFile& file) {
  if (options_.log != LogLevel::kObjects) return;
  Show(EventOf("start", fmt::format("start   {}", Printable(file.path)), file));
}

void Console::Retry(const InputFile& file, const s3::RetryEvent& event) {
  if (options_.log != LogLevel::kObjects) return;
  const auto attempt = static_cast<std::uint64_t>(event.attempt);
  const auto delay_ms = static_cast<std::uint64_t>(event.delay.count());
  auto retry =
      EventOf("retry",
              fmt::format("retry   {}: attempt {} of {} failed, next in {} ms: {}", Printable(file.path),
                          attempt, event.max_attempts, delay_ms, Describe(event.error)),
              file);
  retry.fields.emplace_back("attempt", attempt);
  retry.fields.emplace_back("delay_ms", delay_ms);
  AddError(event.error, &retry);
  retry.color = Color::kYellow;
  Show(retry);
}

void Console::Restart(const InputFile& file, const s3::Error& error) {
  if (options_.log != LogLevel::kObjects) return;
  auto restart = EventOf(
      "restart", fmt::format("restart {}: begins again, because: {}", Printable(file.path), Describe(error)),
      file);
  AddError(error, &restart);
  restart.color = Color::kYellow;
  Show(restart);
}

// Counts the failure as shown or hidden, and returns true if it is shown.
bool Console::CountFailure(const s3::Error& error) {
  constexpr std::size_t kMaxKinds = 100;  // limits the memory, because a server may send any error codes
  if (options_.log != LogLevel::kFailures) return options_.log == LogLevel::kObjects;
  const s3::MutexLock lock(mutex_);
  const bool is_first_of_kind =
      shown_kinds_.size() < kMaxKinds && shown_kinds_.emplace(error.kind, error.code).second;
  const bool is_shown = is_first_of_kind || shown_failures_ < kMaxFailureLines;
  std::uint64_t& count = is_shown ? shown_failures_ : hidden_failures_;
  ++count;
  return is_shown;
}

void Console::Finish(const ObjectResult& result) {
  const bool has_failed = result.outcome == Outcome::kFailed;
  const bool is_shown = has_failed ? CountFailure(*result.error) : options_.log == LogLevel::kObjects;
  if (is_shown) Show(ResultEvent(result));
}

void Console::Note(std::string_view text) {
  if (options_.log == LogLevel::kQuiet) return;
  Show({.name = "note", .text = fmt::format("note    {}", text), .fields = {{"message", std::string(text)}}});
}

void Console::Stopping(std::string_view text) {
  Show({.name = "stopping",
        .text = fmt::format("stopping: {}", text),
        .fields = {{"message", std::string(text)}},
        .color = Color::kYellow});
}

void Console::Show(const Event& event) {
  const s3::MutexLock lock(mutex_);
  Write(event);
}

void Console::Write(const Event& event) {
  if (area_) area_->Erase();
  log_.Write(event);
}

ProgressView Console::TakeView() {
  const auto transfer = transfer_ ? transfer_() : TransferState{};
  ProgressView view;
  const bool all_found = progress_->all_found;
  const auto expected = all_found ? Work{} : Work{progress_->expected, progress_->expected_bytes};
  const std::uint64_t found = progress_->found;
  const auto all = Extrapolate({found, progress_->found_bytes}, expected);
  view.totals = all_found                                         ? Totals::kExact
                : expected.inputs > 0 && expected.inputs >= found ? Totals::kEstimated
                                                                  : Totals::kSoFar;
  view.all_objects = all.inputs;
  view.all_bytes = BytesToSend(*progress_, all.bytes);
  view.objects = std::min<std::uint64_t>(progress_->done, found);
  // When a request ends, its bytes leave the transport a moment before they count as done.
  shown_bytes_ = std::max(shown_bytes_, progress_->done_bytes + transfer.in_flight_bytes);
  view.bytes = std::min(shown_bytes_, view.all_bytes);
  estimator_.Add({.seconds = std::chrono::duration<double>(Clock::now() - start_).count(),
                  .objects = view.objects,
                  .bytes = view.bytes,
                  .sent_bytes = std::max(transfer.sent_bytes, progress_->done_bytes.load()),
                  .seconds_per_object = transfer.seconds_per_object});
  view.objects_per_s = estimator_.objects_per_s();
  view.bytes_per_s = estimator_.bytes_per_s();
  view.seconds_left = estimator_.SecondsLeft(view.all_objects, view.all_bytes);
  view.in_flight = progress_->in_flight;
  view.retries = progress_->retries;
  view.failed = progress_->failed;
  view.waits_for = transfer.waits_for;
  view.slowest = transfer.slowest;
  return view;
}

void Console::DrawArea() {
  constexpr std::size_t kMaxLines = 5;
  const auto size = area_->size();
  // A terminal of few rows must not scroll.
  const auto lines = std::min(kMaxLines, std::max<std::size_t>(size.rows, 2) - 1);
  area_->Draw(ProgressLines(TakeView(), size.columns, lines));
}

Event Console::ProgressEvent() {
  const auto view = TakeView();
  Event event{.name = "progress",
              .text = fmt::format("progress {}", ProgressLine(view)),
              .fields = {{"done", view.objects},
                         {"found", progress_->found.load()},
                         {"done_bytes", view.bytes},
                         {"found_bytes", BytesToSend(*progress_, progress_->found_bytes)},
                         {"all_found", static_cast<std::uint64_t>(view.totals == Totals::kExact)},
                         {"expected", view.totals == Totals::kSoFar ? 0 : view.all_objects},
                         {"failed", view.failed},
                         {"retries", view.retries},
                         {"in_flight", static_cast<std::uint64_t>(std::max(view.in_flight, 0))},
                         {"objects_per_s", view.objects_per_s},
                         {"bytes_per_s", view.bytes_per_s},
                         {"waiting_for", std::string(view.waits_for)}}};
  if (view.seconds_left) event.fields.emplace_back("seconds_left", *view.seconds_left);
  if (view.slowest) {
    event.fields.emplace_back("slowest_seconds", view.slowest->seconds);
    event.fields.emplace_back("slowest_path", view.slowest->path);
    event.fields.emplace_back("slowest_part", static_cast<std::uint64_t>(view.slowest->part));
  }
  return event;
}

void Console::ShowProgress() {
  auto next_line = Clock::now() + options_.progress_interval;
  const bool is_area = style_ == ProgressStyle::kBar;
  s3::MutexLock lock(mutex_);
  while (!changed_.WaitFor(lock, kTick, [this]() S3_REQUIRES(mutex_) { return quit_; })) {
    if (is_area) {
      DrawArea();
    } else if (Clock::now() < next_line) {
      TakeView();  // the estimate needs more samples than there are lines
    } else {
      next_line += options_.progress_interval;
      style_ == ProgressStyle::kJson ? log_.WriteJson(ProgressEvent()) : log_.Write(ProgressEvent());
    }
  }
}

}  // namespace pipeline

#include "pipeline/report/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "pipeline/report/format.h"
#include "pipeline/report/terminal.h"

namespace pipeline {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kClearLine[] = "\r\x1b[K";

bool WantsBar(ProgressStyle style, std::FILE* out) {
  return style == ProgressStyle::kBar || (style == ProgressStyle::kAuto && isatty(fileno(out)) == 1);
}

std::string Describe(const s3::Error& error) {
  std::string text = error.message;
  if (!error.code.empty()) text += fmt::format(" [{}]", error.code);
  return Printable(text);
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
  return fmt::format("done    {} -> {}: {} bytes, {}, {:.2f} s", path, Printable(result.file->key),
                     result.size_bytes, attempts, result.seconds.count());
}

double SecondsFor(std::uint64_t all, std::uint64_t done, double per_second) {
  return per_second > 0 && all > done ? static_cast<double>(all - done) / per_second : 0.0;
}

}  // namespace

Console::Console(const ReportOptions& options, const Progress* progress, std::FILE* out)
    : log_(options.log), progress_(progress), out_(out), has_bar_(WantsBar(options.progress, out)) {
  if (options.progress != ProgressStyle::kNone) thread_ = std::thread([this] { ShowProgress(); });
}

Console::~Console() {
  {
    const s3::MutexLock lock(mutex_);
    quit_ = true;
    changed_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
  if (hidden_failures_ > 0) {
    PrintLine(fmt::format("and {} more {}: see journal.jsonl in the run directory", hidden_failures_,
                          hidden_failures_ == 1 ? "failure" : "failures"));
  }
  if (bar_is_shown_) std::fputs(kClearLine, out_);
  std::fflush(out_);
}

void Console::Start(const InputFile& file) {
  if (log_ != LogLevel::kObjects) return;
  Note(fmt::format("start   {}", Printable(file.path)));
}

void Console::Retry(const InputFile& file, const s3::RetryEvent& event) {
  if (log_ != LogLevel::kObjects) return;
  Note(fmt::format("retry   {}: attempt {} of {} failed, next in {} ms: {}", Printable(file.path),
                   event.attempt, event.max_attempts, event.delay.count(), Describe(event.error)));
}

// Counts the failure as shown or hidden, and returns true if it is shown.
bool Console::CountFailure(const s3::Error& error) {
  constexpr std::size_t kMaxKinds = 100;  // limits the memory, because a server may send any error codes
  if (log_ == LogLevel::kObjects) return true;
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
  const bool is_shown = has_failed ? CountFailure(*result.error) : log_ == LogLevel::kObjects;
  if (is_shown) Note(ResultText(result));
}

void Console::Note(std::string_view text) {
  const s3::MutexLock lock(mutex_);
  PrintLine(text);
}

void Console::PrintLine(std::string_view text) {
  if (bar_is_shown_) std::fputs(kClearLine, out_);
  bar_is_shown_ = false;
  pipeline::PrintLine(out_, text);
}

void Console::UpdateRates() {
  const auto now = Clock::now();
  const double elapsed = std::max(std::chrono::duration<double>(now - last_time_).count(), 1e-3);
  const auto objects = progress_->done.load(), bytes = progress_->done_bytes.load();
  // The first update sets the rates. Later updates are smoothed.
  const double weight = last_objects_ == 0 ? 1.0 : 0.3;
  objects_per_s_ += weight * (static_cast<double>(objects - last_objects_) / elapsed - objects_per_s_);
  bytes_per_s_ += weight * (static_cast<double>(bytes - last_bytes_) / elapsed - bytes_per_s_);
  last_time_ = now;
  last_objects_ = objects;
  last_bytes_ = bytes;
}

// Returns the longer of two estimates: by number of objects (many small files) and by bytes (large files).
double Console::SecondsLeft() const {
  return std::max(SecondsFor(progress_->found, last_objects_, objects_per_s_),
                  SecondsFor(progress_->found_bytes, last_bytes_, bytes_per_s_));
}

std::string Console::ProgressText() {
  UpdateRates();
  const bool all_found = progress_->all_found;
  auto text =
      fmt::format("{} of {}{} | {:.0f}/s, {}/s | {} in flight | {} retries | {} failed", last_objects_,
                  progress_->found.load(), all_found ? "" : "+", objects_per_s_, HumanBytes(bytes_per_s_),
                  progress_->in_flight.load(), progress_->retries.load(), progress_->failed.load());
  const bool is_moving = objects_per_s_ + bytes_per_s_ > 0;
  if (all_found && is_moving) text += fmt::format(" | {} left", HumanDuration(SecondsLeft()));
  return text;
}

// The bar stays empty until the walk has found all inputs, because the total is not known earlier.
std::string Console::Bar() const {
  constexpr std::uint64_t kWidth = 20;
  const auto found = progress_->found.load();
  const bool is_total_known = progress_->all_found && found > 0;
  const auto filled = is_total_known ? kWidth * progress_->done / found : 0;
  return fmt::format("[{:.<{}}]", std::string(std::min(filled, kWidth), '#'), kWidth);
}

void Console::ShowProgress() {
  using std::chrono::milliseconds;
  const auto interval = has_bar_ ? milliseconds(200) : milliseconds(5000);
  s3::MutexLock lock(mutex_);
  while (!changed_.WaitFor(lock, interval, [this]() S3_REQUIRES(mutex_) { return quit_; })) {
    const auto text = ProgressText();
    if (has_bar_) {
      // fmt::print would throw when the terminal has gone.
      std::fputs(fmt::format("{}{} {}", kClearLine, Bar(), text).c_str(), out_);
      bar_is_shown_ = true;
    } else {
      PrintLine(text);
    }
    std::fflush(out_);
  }
}

}  // namespace pipeline

#include "pipeline/report/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "pipeline/report/summary.h"
#include "pipeline/report/terminal.h"

namespace pipeline {
namespace {

using Clock = std::chrono::steady_clock;

bool WantsBar(ProgressStyle style, std::FILE* out) {
  return style == ProgressStyle::kBar || (style == ProgressStyle::kAuto && isatty(fileno(out)) == 1);
}

std::string Eta(double seconds) {
  if (seconds >= 360'000) return "more than 100 h";
  const auto total = static_cast<long>(seconds + 0.5);
  if (total >= 3600) return fmt::format("{} h {:02} min", total / 3600, total / 60 % 60);
  if (total >= 60) return fmt::format("{} min {:02} s", total / 60, total % 60);
  return fmt::format("{} s", total);
}

std::string Describe(const s3::Error& error) {
  std::string text = error.message;
  if (!error.code.empty()) text += fmt::format(" [{}]", error.code);
  return Printable(text);
}

}  // namespace

Console::Console(const ReportOptions& options, const Progress* progress, std::FILE* out)
    : log_(options.log), progress_(progress), out_(out), bar_(WantsBar(options.progress, out)) {
  if (options.progress != ProgressStyle::kNone) thread_ = std::thread([this] { ShowProgress(); });
}

Console::~Console() {
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  if (other_failures_ > 0) {
    PrintLine(fmt::format("and {} more {}: see the journal", other_failures_,
                          other_failures_ == 1 ? "failure" : "failures"));
  }
  if (bar_shown_) std::fputs("\r\x1b[K", out_);
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

bool Console::IsShown(const s3::Error& error) {
  constexpr std::size_t kMaxKinds = 100;  // codes are the server's
  if (log_ == LogLevel::kObjects) return true;
  std::lock_guard lock(mutex_);
  const bool first = shown_kinds_.size() < kMaxKinds && shown_kinds_.emplace(error.kind, error.code).second;
  const bool shown = first || shown_failures_ < kMaxFailureLines;
  ++(shown ? shown_failures_ : other_failures_);
  return shown;
}

void Console::Settled(const ObjectResult& result) {
  const bool failed = result.outcome == Outcome::kFailed;
  if (failed && !IsShown(*result.error)) return;
  if (!failed && log_ != LogLevel::kObjects) return;
  const auto path = Printable(result.file->path);
  if (failed || (result.outcome == Outcome::kCancelled && log_ == LogLevel::kObjects)) {
    const auto attempts = result.attempts > 1 ? fmt::format(" (after {} attempts)", result.attempts) : "";
    Note(
        fmt::format("{:<7} {}{}: {}", failed ? "failed" : "cancel", path, attempts, Describe(*result.error)));
  } else if (log_ == LogLevel::kObjects && result.outcome == Outcome::kSkipped) {
    Note(fmt::format("skipped {}: {}", path, result.reason));
  } else if (log_ == LogLevel::kObjects) {
    Note(fmt::format("done    {} -> {}: {} bytes, {} {}, {:.2f} s", path, Printable(result.file->key),
                     result.size_bytes, result.attempts, result.attempts == 1 ? "attempt" : "attempts",
                     result.seconds.count()));
  }
}

void Console::Note(std::string_view text) {
  std::lock_guard lock(mutex_);
  PrintLine(text);
}

void Console::PrintLine(std::string_view text) {
  if (bar_shown_) std::fputs("\r\x1b[K", out_);
  bar_shown_ = false;
  pipeline::PrintLine(out_, text);
}

std::string Console::ProgressText() {
  const auto now = Clock::now();
  const double elapsed = std::max(std::chrono::duration<double>(now - last_time_).count(), 1e-3);
  const auto objects = progress_->settled.load(), bytes = progress_->settled_bytes.load();
  // Smoothed over a few updates; the first one counts whole.
  const double weight = last_objects_ == 0 ? 1.0 : 0.3;
  objects_per_s_ += weight * (static_cast<double>(objects - last_objects_) / elapsed - objects_per_s_);
  bytes_per_s_ += weight * (static_cast<double>(bytes - last_bytes_) / elapsed - bytes_per_s_);
  last_time_ = now;
  last_objects_ = objects;
  last_bytes_ = bytes;

  const auto found = progress_->found.load();
  const bool all_found = progress_->all_found;
  auto text = fmt::format("{} of {}{} | {:.0f}/s, {}/s | {} in flight | {} retries | {} failed", objects,
                          found, all_found ? "" : "+", objects_per_s_, HumanBytes(bytes_per_s_),
                          progress_->in_flight.load(), progress_->retries.load(), progress_->failed.load());
  if (all_found && objects_per_s_ + bytes_per_s_ > 0) {
    // Whatever takes longer: many small files are counted, large ones are measured.
    const auto left = [](std::uint64_t all, std::uint64_t done, double rate) {
      return rate > 0 && all > done ? static_cast<double>(all - done) / rate : 0.0;
    };
    text += fmt::format(" | {} left", Eta(std::max(left(found, objects, objects_per_s_),
                                                   left(progress_->found_bytes, bytes, bytes_per_s_))));
  }
  return text;
}

// Grows once the walk has found everything; until then the whole is not known.
std::string Console::Bar() const {
  constexpr std::uint64_t kWidth = 20;
  const auto found = progress_->found.load();
  const auto filled = progress_->all_found && found > 0 ? kWidth * progress_->settled / found : 0;
  return fmt::format("[{:.<{}}]", std::string(std::min(filled, kWidth), '#'), kWidth);
}

void Console::ShowProgress() {
  using std::chrono::milliseconds;
  const auto interval = bar_ ? milliseconds(200) : milliseconds(5000);
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, interval, [this] { return quit_; })) {
    const auto text = ProgressText();
    if (bar_) {
      // fmt::print would throw where the terminal has gone.
      std::fputs(fmt::format("\r\x1b[K{} {}", Bar(), text).c_str(), out_);
      bar_shown_ = true;
    } else {
      PrintLine(text);
    }
    std::fflush(out_);
  }
}

}  // namespace pipeline

// Shows a run to a person: events and progress, on one stream. Thread-safe.
//
// Escapes control characters, invisible characters and bytes that are not UTF-8 in each line, so that a file
// name or a server's message cannot control the terminal (see s3/base/printable.h). Does not change other
// characters, in any script: for example, "é" is written as "é".
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "pipeline/report/estimator.h"
#include "pipeline/report/event_log.h"
#include "pipeline/report/progress_area.h"
#include "pipeline/report/progress_view.h"
#include "s3/admission/retry.h"
#include "s3/base/mutex.h"

namespace pipeline {

// The present numbers of the transport, and why it waits.
struct TransferState {
  std::uint64_t sent_bytes = 0;       // of bodies; see s3::SentBytes::total
  std::uint64_t in_flight_bytes = 0;  // the part of `sent_bytes` whose requests are still in flight
  std::string_view waits_for;         // what the run waits for, for a person; a literal; empty if unknown
  std::optional<SlowTask> slowest = {};
  double seconds_per_object = 0;  // see Sample
};

class Console {
 public:
  // Starts the thread that shows progress, unless the options turn progress off. `progress` and `out` are not
  // owned and must outlive this object. `log_fd`: the open log file, -1 for none; not owned.
  Console(const ReportOptions& options, const Progress* progress, std::FILE* out, int log_fd = -1);
  // Ends the progress display. If failures were not shown, writes their number.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Calls `read` whenever progress is shown, on any thread, until the next call of Watch(). Null: the
  // transfer is unknown. After the return, the previous function is not called any more.
  void Watch(std::function<TransferState()> read);

  // Each function shows one event of an input. With LogLevel::kObjects all events are shown. With kFailures
  // only failed results are shown: the first kMaxFailureLines, and then the first failure of each kind. With
  // kQuiet no events are shown.
  void Start(const InputFile& file);
  void Retry(const InputFile& file, const s3::RetryEvent& event);
  // `error` is why the upload of the file starts again from its first byte.
  void Restart(const InputFile& file, const s3::Error& error);
  void Finish(const ObjectResult& result);

  // Shows a note, unless the level is kQuiet. A line end in `text` is escaped.
  void Note(std::string_view text);
  // Shows that the run is stopping, and why.
  void Stopping(std::string_view text);

  static constexpr std::uint64_t kMaxFailureLines = 10;

 private:
  bool CountFailure(const s3::Error& error);
  void ShowProgress();
  void Show(const Event& event);
  void Write(const Event& event) S3_REQUIRES(mutex_);
  ProgressView TakeView() S3_REQUIRES(mutex_);
  void DrawArea() S3_REQUIRES(mutex_);
  Event ProgressEvent() S3_REQUIRES(mutex_);

  const ReportOptions options_;
  const ProgressStyle style_;  // never kAuto
  const Progress* const progress_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  s3::Mutex mutex_;
  s3::CondVar changed_;
  bool quit_ S3_GUARDED_BY(mutex_) = false;
  EventLog log_ S3_GUARDED_BY(mutex_);
  std::optional<ProgressArea> area_ S3_GUARDED_BY(mutex_);
  std::function<TransferState()> transfer_ S3_GUARDED_BY(mutex_);
  Estimator estimator_ S3_GUARDED_BY(mutex_);
  std::uint64_t shown_bytes_ S3_GUARDED_BY(mutex_) = 0;  // the largest number of bytes shown as done
  std::uint64_t shown_failures_ S3_GUARDED_BY(mutex_) = 0, hidden_failures_ S3_GUARDED_BY(mutex_) = 0;
  std::set<std::pair<s3::ErrorKind, std::string>> shown_kinds_
      S3_GUARDED_BY(mutex_);  // error kind and S3 error code
  std::thread thread_;
};

}  // namespace pipeline

// Shows a run to a person: event lines and progress, on one stream. Thread-safe.
//
// Escapes control characters, invisible characters and bytes that are not UTF-8 in each line, so that a file
// name or a server's message cannot control the terminal (see s3/base/printable.h). Does not change other
// characters, in any script: for example, "é" is written as "é".
#pragma once

#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "s3/admission/retry.h"
#include "s3/base/mutex.h"

namespace pipeline {

class Console {
 public:
  // Starts the thread that shows progress, unless the options turn progress off. `progress` and `out` are not
  // owned and must outlive this object.
  Console(const ReportOptions& options, const Progress* progress, std::FILE* out);
  // Ends the progress display. If failures were not shown, writes their number.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Each function shows one event of an input. With LogLevel::kObjects all events are shown. With kFailures
  // only failed results are shown: the first kMaxFailureLines, and then the first failure of each kind.
  void Start(const InputFile& file);
  void Retry(const InputFile& file, const s3::RetryEvent& event);
  void Finish(const ObjectResult& result);

  // Writes one line; a line end in `text` is escaped.
  void Note(std::string_view text);

  static constexpr std::uint64_t kMaxFailureLines = 10;

 private:
  bool CountFailure(const s3::Error& error);
  void ShowProgress();
  void PrintLine(std::string_view text) S3_REQUIRES(mutex_);
  void UpdateRates();
  double SecondsLeft() const;
  std::string ProgressText();
  std::string Bar() const;

  const LogLevel log_;
  const Progress* const progress_;
  std::FILE* const out_;
  const bool has_bar_;
  s3::Mutex mutex_;
  s3::CondVar changed_;
  bool quit_ S3_GUARDED_BY(mutex_) = false;
  bool bar_is_shown_ S3_GUARDED_BY(mutex_) = false;
  std::uint64_t shown_failures_ S3_GUARDED_BY(mutex_) = 0, hidden_failures_ S3_GUARDED_BY(mutex_) = 0;
  std::set<std::pair<s3::ErrorKind, std::string>> shown_kinds_
      S3_GUARDED_BY(mutex_);  // error kind and S3 error code
  // Rates, smoothed over a few updates.
  double objects_per_s_ = 0, bytes_per_s_ = 0;
  std::uint64_t last_objects_ = 0, last_bytes_ = 0;
  std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

}  // namespace pipeline

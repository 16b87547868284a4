// What a person sees while a run goes on: event lines and progress, on one stream. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "pipeline/message.h"
#include "pipeline/options.h"
#include "pipeline/progress.h"
#include "s3/admission/retry.h"
#include "s3/base/printable.h"

namespace pipeline {

using s3::Printable;

class Console {
 public:
  // Neither `progress` nor `out` is owned.
  Console(const ReportOptions& options, const Progress* progress, std::FILE* out);
  // Ends the progress display.
  ~Console();

  void Start(const InputFile& file);
  void Retry(const InputFile& file, const s3::RetryEvent& event);
  // The first failure of each kind is always shown.
  void Settled(const ObjectResult& result);
  // One line, fit for a terminal whatever it holds.
  void Note(std::string_view text);

  // After this many failures only the first of each kind is shown, and the number of others; the journal has
  // them all.
  static constexpr std::uint64_t kMaxFailureLines = 10;

 private:
  void ShowProgress();
  void PrintLine(std::string_view text);
  std::string ProgressText();
  std::string Bar() const;

  const LogLevel log_;
  const Progress* const progress_;
  std::FILE* const out_;
  const bool bar_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  bool bar_shown_ = false;
  bool IsShown(const s3::Error& error);

  std::uint64_t shown_failures_ = 0, other_failures_ = 0;
  std::set<std::pair<s3::ErrorKind, std::string>> shown_kinds_;  // with their S3 codes
  double objects_per_s_ = 0, bytes_per_s_ = 0;
  std::uint64_t last_objects_ = 0, last_bytes_ = 0;
  std::chrono::steady_clock::time_point last_time_ = std::chrono::steady_clock::now();
  std::thread thread_;
};

}  // namespace pipeline

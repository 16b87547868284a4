#include "pipeline/run/series_writer.h"

#include <new>
#include <utility>

#include "pipeline/fs/files.h"
#include "pipeline/runtime/process_usage.h"
#include "pipeline/timing/verdict.h"

namespace pipeline {
namespace {

s3::BySlotState<double> Difference(const s3::BySlotState<double>& now,
                                   const s3::BySlotState<double>& before) {
  s3::BySlotState<double> difference;
  for (std::size_t i = 0; i < s3::kSlotStates; ++i) {
    difference.values[i] = now.values[i] - before.values[i];
  }
  return difference;
}

}  // namespace

SeriesWriter::SeriesWriter(OwnDir directory, const s3::SlotTime* slot_time, const Progress* progress,
                           int cores)
    : directory_(std::move(directory)), progress_(progress), cores_(cores), reader_(slot_time, start_) {
  totals_.push_back({.cpu_seconds = ProcessCpuSeconds()});
  Write(Series::Change::kMerged);
  samples_.emplace(kPeriod, [this] {
    try {
      Sample();
    } catch (const std::bad_alloc&) {
      // This second is part of the next sample, and a run must not end for want of a sample.
    }
    return kPeriod;
  });
}

void SeriesWriter::Sample() {
  const auto now = Clock::now();
  const Totals total{.slot_seconds = reader_.Read(now).seconds,
                     .seconds = std::chrono::duration<double>(now - start_).count(),
                     .cpu_seconds = ProcessCpuSeconds()};
  Write(series_.Add({.t = total.seconds,
                     .done = progress_->done,
                     .done_bytes = progress_->done_bytes,
                     .failed = progress_->failed,
                     .retries = progress_->retries,
                     .in_flight = progress_->in_flight,
                     .slot_seconds = Difference(total.slot_seconds, totals_.back().slot_seconds)}));
  totals_.push_back(total);
  if (totals_.size() > kLimitSamples + 1) totals_.pop_front();
  const auto& before = totals_.front();
  const double core_seconds = cores_ * (total.seconds - before.seconds);
  const double busy_share = core_seconds > 0 ? (total.cpu_seconds - before.cpu_seconds) / core_seconds : 0;
  const auto limit = LimitOf(Difference(total.slot_seconds, before.slot_seconds), busy_share);
  const s3::MutexLock lock(mutex_);
  limit_ = limit;
  slot_seconds_ = total.slot_seconds;
}

s3::BySlotState<double> SeriesWriter::End() {
  samples_.reset();
  Sample();
  Write(series_.Finish());
  return totals_.back().slot_seconds;
}

// After a failure nothing more is written, because a line could follow half a line.
void SeriesWriter::Write(Series::Change change) {
  if (change == Series::Change::kNone || !problem().empty()) return;
  if (change == Series::Change::kAppended) return WriteLine(SeriesLine(series_.points().back()));
  // The file is of use only beside a summary, which is synced.
  auto file =
      directory_.Write(kSeriesName, series_.Text(), 0644, OwnDir::Durability::kUnsynced).and_then([this] {
        return directory_.Append(kSeriesName, 0644);
      });
  if (file) {
    file_ = std::move(*file);
    return;
  }
  const s3::MutexLock lock(mutex_);
  problem_ = file.error().message;
}

void SeriesWriter::WriteLine(const std::string& line) {
  const int error = WriteAll(file_->get(), line);
  if (error == 0) return;
  const s3::MutexLock lock(mutex_);
  problem_ = ErrnoError(directory_.PathOf(kSeriesName), error).message;
}

std::string_view SeriesWriter::limit() const {
  const s3::MutexLock lock(mutex_);
  return limit_;
}

s3::BySlotState<double> SeriesWriter::slot_seconds() const {
  const s3::MutexLock lock(mutex_);
  return slot_seconds_;
}

std::string SeriesWriter::problem() const {
  const s3::MutexLock lock(mutex_);
  return problem_;
}

}  // namespace pipeline

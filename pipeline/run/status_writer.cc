#include "pipeline/run/status_writer.h"

#include <algorithm>
#include <ctime>
#include <new>
#include <utility>

#include "pipeline/report/metrics.h"

namespace pipeline {

StatusWriter::Attachment::Attachment(StatusWriter* writer, Fill fill) : writer_(writer) {
  const s3::MutexLock lock(writer_->mutex_);
  writer_->fill_ = std::move(fill);
}

StatusWriter::Attachment::~Attachment() {
  const s3::MutexLock lock(writer_->mutex_);
  writer_->Update();
  writer_->fill_ = nullptr;
}

StatusWriter::StatusWriter(OwnDir directory, LiveStatus first)
    : directory_(std::move(directory)), status_(std::move(first)) {
  estimator_.Add({});
  Write();
  updates_.emplace(kPeriod, [this] {
    try {
      {
        const s3::MutexLock lock(mutex_);
        Update();
      }
      Write();
    } catch (const std::bad_alloc&) {
      // The files are written again later, and a run must not end for want of them.
    }
    return kPeriod;
  });
}

void StatusWriter::Update() {
  if (fill_) fill_(&status_);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  estimator_.Add(SessionSample(status_, elapsed.count()));
  status_.bytes_per_s = estimator_.bytes_per_s();
  status_.inputs_per_s = estimator_.objects_per_s();
  const auto all = status_.All();
  const auto bytes_to_send = all.bytes - std::min(all.bytes, status_.bytes_left_out);
  status_.seconds_left = estimator_.SecondsLeft(
      all.inputs - status_.inputs_before, bytes_to_send - std::min(bytes_to_send, status_.bytes_before));
  status_.updated_s = std::time(nullptr);
}

// Only one thread at a time calls it: the constructor's, then that of the updates, then that of End().
void StatusWriter::Write() {
  LiveStatus status;
  {
    const s3::MutexLock lock(mutex_);
    status = status_;
  }
  constexpr auto kUnsynced = OwnDir::Durability::kUnsynced;  // the files are of use only while the run lives
  auto written = directory_.Write(kStatusName, StatusJson(status), 0644, kUnsynced);
  if (written) written = directory_.Write(kMetricsName, MetricsText(status), 0644, kUnsynced);
  const s3::MutexLock lock(mutex_);
  problem_ = written ? "" : written.error().message;
}

void StatusWriter::End(const Summary& summary, ExitStatus status) {
  updates_.reset();
  {
    const s3::MutexLock lock(mutex_);
    status_ = FinalStatus(std::move(status_), summary, status);
  }
  Write();
}

std::string StatusWriter::problem() const {
  const s3::MutexLock lock(mutex_);
  return problem_;
}

}  // namespace pipeline

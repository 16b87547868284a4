// A source of unknown length: standard input, or a FIFO that the job names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "s3/base/mutex.h"
#include "s3/base/result.h"
#include "s3/base/waiter.h"

namespace pipeline {

struct StreamPart {
  std::uint64_t bytes = 0;
  bool last = false;  // the stream ended; `bytes` can be 0 only in the first part
};

// Opens the stream and reads it part by part in a thread of its own, into buffers that upload tasks provide.
// A slow writer, or a writer that never comes, therefore blocks no worker.
class Stream {
 public:
  // `path`: "-" for standard input. `size_bytes`: the length that the stream must have, or nothing if any
  // length is right.
  Stream(std::string path, std::optional<std::uint64_t> size_bytes);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Fills `bytes`, or its front if the stream ends first. Waits in `waiter`. One caller at a time. Fails with
  // kLocal when opening or reading fails, with kChanged when the length is not `size_bytes`, and with
  // kCancelled after Cancel().
  s3::Result<StreamPart> Read(std::span<char> bytes, s3::Waiter* waiter);

  // Ends the read in progress and all later ones. Any thread.
  void Cancel();

 private:
  // A call of Read, in its caller's frame.
  struct Request {
    std::span<char> bytes;
    s3::Result<StreamPart>* result;
    s3::Wake wake;
  };

  void Serve();
  s3::Result<void> Open();
  s3::Result<StreamPart> Fill(std::span<char> bytes);
  // Returns the number of bytes read, 0 at the end. Waits for bytes or for Cancel.
  s3::Result<std::size_t> ReadSome(std::span<char> bytes);
  s3::Result<void> CheckSize(bool ended) const;

  const std::string path_;
  const std::optional<std::uint64_t> size_bytes_;
  const int cancel_event_;  // an eventfd(2), readable after Cancel
  // Used by the thread alone.
  int fd_ = -1;
  std::optional<char> ahead_;  // the next part's first byte, read to learn whether there is one
  std::uint64_t total_ = 0;

  s3::Mutex mutex_;  // guards what follows
  s3::CondVar requested_;
  bool quit_ S3_GUARDED_BY(mutex_) = false;
  std::optional<Request> request_ S3_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace pipeline

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
  bool last = false;  // the stream ends after this part. (An empty stream is one part of 0 bytes.)
};

// Opens the stream and reads it part by part in a thread of its own, into buffers that upload tasks provide.
// So if the writer is slow or never opens the FIFO, no worker is blocked.
class Stream {
 public:
  // `path`: "-" for standard input. `size_bytes`: the length that the stream must have; nothing if it may
  // have any length.
  Stream(std::string path, std::optional<std::uint64_t> size_bytes);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Reads the next part: fills `bytes`, or less if the stream ends. Waits in `waiter`. One caller at a time.
  // Fails with kLocal if opening or reading fails, with kChanged if the length of the stream is not
  // `size_bytes`, and with kCancelled after Cancel().
  s3::Result<StreamPart> Read(std::span<char> bytes, s3::Waiter* waiter);

  // Ends the present call of Read() and all later calls with kCancelled. Any thread.
  void Cancel();

 private:
  // A call of Read() that waits for the thread. `result` is in the caller's stack frame.
  struct Request {
    std::span<char> bytes;
    s3::Result<StreamPart>* result;
    s3::Wake wake;
  };

  void Serve();
  s3::Result<void> Open();
  s3::Result<StreamPart> Fill(std::span<char> bytes);
  // Waits for bytes or for Cancel(). Returns the number of bytes read; 0 at the end of the stream.
  s3::Result<std::size_t> ReadSome(std::span<char> bytes);
  s3::Result<void> CheckSize(bool ended) const;

  const std::string path_;
  const std::optional<std::uint64_t> size_bytes_;
  const int cancel_event_;  // an eventfd(2); readable after Cancel()
  // Only `thread_` uses the next three members, and the destructor after it has joined the thread.
  int fd_ = -1;
  std::optional<char> ahead_;  // the first byte of the next part, read to learn whether there is a next part
  std::uint64_t total_ = 0;

  s3::Mutex mutex_;  // guards quit_ and request_
  s3::CondVar requested_;
  bool quit_ S3_GUARDED_BY(mutex_) = false;
  std::optional<Request> request_ S3_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace pipeline

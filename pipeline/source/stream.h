// A source of unknown length: standard input, or a FIFO that was named on purpose. A thread of its
// own reads it, part by part, into buffers that upload bodies bring.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "s3/base/result.h"
#include "s3/base/waiter.h"

namespace pipeline {

struct StreamPart {
  std::uint64_t bytes = 0;
  bool last = false;  // the stream ended; `bytes` may be 0 when it is the first, too
};

class Stream {
 public:
  // `path`: "-" for standard input. `size_bytes`: what the stream must have, when that is known: one
  // that ends earlier, or goes on, is an error. Opens and waits for a writer in its own thread.
  Stream(std::string path, std::optional<std::uint64_t> size_bytes);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Fills `bytes`, or as much as comes before the end. The caller waits in `waiter`; one caller at a
  // time, part after part. kLocal when reading fails, kChanged when the length is not as announced,
  // kCancelled after Cancel.
  s3::Result<StreamPart> Read(std::span<char> bytes, s3::Waiter* waiter);

  // Ends reads, those to come too. Any thread.
  void Cancel();

 private:
  void Serve();
  s3::Result<void> Open();
  s3::Result<StreamPart> Fill(std::span<char> bytes);
  // The next bytes, 0 at the end; waits for them or for Cancel.
  s3::Result<std::size_t> ReadSome(std::span<char> bytes);
  s3::Result<void> CheckSize(bool ended) const;

  const std::string path_;
  const std::optional<std::uint64_t> size_bytes_;
  int fd_ = -1;
  const int cancel_event_;
  // The byte that was read to see whether there is more: it belongs to the next part.
  std::optional<char> ahead_;
  std::uint64_t total_ = 0;

  std::mutex mutex_;
  std::condition_variable requested_;
  bool quit_ = false;
  std::optional<std::span<char>> request_;
  s3::Result<StreamPart>* answer_ = nullptr;
  s3::Wake wake_;
  std::thread thread_;
};

}  // namespace pipeline

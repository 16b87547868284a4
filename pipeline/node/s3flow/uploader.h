// Uploads files and buffers in the background, with the graph, retries, integrity checks, memory budget and
// journal of the program s3flow. UploadNode (upload_node.h) connects it to a flow graph; this header needs no
// oneTBB.
//
//   auto uploader = s3flow::Uploader::Open({.bucket = "b", .endpoint = "https://store.example"});
//   if (!uploader) return Report(uploader.error().message);
//   uploader->Start([](s3flow::UploadResult result) { ... });  // one call at a time
//   uploader->Submit(s3flow::UploadFile("/data/a", "a"));
//   uploader->Wait();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "s3flow/options.h"
#include "s3flow/upload.h"

namespace s3flow {

struct Statistics {
  std::uint64_t open = 0;               // inputs without a result
  std::uint64_t in_flight = 0;          // requests with data, from reading to the response
  std::uint64_t sent_bytes = 0;         // that the store has acknowledged
  std::uint64_t retries = 0;            // of requests
  std::uint64_t peak_memory_bytes = 0;  // of the bodies that were read from files
};

class Uploader {
 public:
  // Finds the credentials, opens the run directory and starts the threads that send. Blocks, in the worst
  // case for minutes, if the credentials come from a service. Sends no request to the store. Fails if the
  // options are wrong, if there are no credentials, or if the run directory cannot be used.
  static tl::expected<Uploader, Error> Open(const Options& options);

  Uploader(Uploader&&) noexcept;
  Uploader& operator=(Uploader&&) noexcept;
  // Cancels what is open, passes on its results, and ends all threads of the uploader. Takes about
  // Options::drain at most. Must not be called by `on_result`.
  ~Uploader();

  // Starts to upload. Call it once, before the first Submit(). `on_result` gets each result, one call at a
  // time, in a thread of the uploader. It must not block and must not throw: an exception cancels the
  // uploader.
  void Start(std::function<void(UploadResult)> on_result);

  // Takes an input. Any thread. Never blocks, and queues without bound: the caller limits the open inputs.
  void Submit(Upload upload);

  // Stops for good: starts no new request, lets requests in flight finish for Options::drain, and then aborts
  // them. Every open and later input gets the result kCancelled, unless it was stored in time. `reason`
  // becomes part of the error's message. Any thread; returns at once. Further calls do nothing.
  void Cancel(const std::string& reason);

  // Blocks until no input is open. Any thread, except in `on_result`.
  void Wait() const;

  // Any thread.
  Statistics statistics() const;

 private:
  struct Impl;
  explicit Uploader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3flow

// Which answers of a file system may be others a moment later, and how often it is asked again. Any thread.
#pragma once

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>

namespace pipeline {

// How long to wait before a call is made again that failed with `error`; nothing when the answer is final.
// `failed`: how many calls in a row have failed, this one included.
std::optional<std::chrono::milliseconds> IoRetryDelay(int error, int failed);

// Makes a call that returns an s3::Result until it succeeds or fails for good; `pause` waits in between.
template <typename Call, typename Pause>
auto RetryIo(const Call& call, const Pause& pause) {
  for (int failed = 1;; ++failed) {
    auto result = call();
    const auto delay = result ? std::nullopt : IoRetryDelay(result.error().system_error, failed);
    if (!delay) return result;
    pause(*delay);
  }
}

// The same; blocks its thread while it waits.
template <typename Call>
auto RetryIo(const Call& call) {
  return RetryIo(call, [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); });
}

// Makes a call that returns a negative number and sets errno. Blocks its thread while it waits.
template <typename Call>
auto RetrySystemCall(const Call& call) {
  for (int failed = 1;; ++failed) {
    const auto result = call();
    const auto delay = result >= 0 ? std::nullopt : IoRetryDelay(errno, failed);
    if (!delay) return result;
    std::this_thread::sleep_for(*delay);
  }
}

}  // namespace pipeline

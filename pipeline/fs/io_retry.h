// Decides which file system errors are worth a retry, and retries. Any thread.
#pragma once

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

namespace pipeline {

// Returns how long to wait before the next try of a call that failed with `error` (an errno). Returns nothing
// when the error is final. `failed`: how many tries have failed so far, including this one.
std::optional<std::chrono::milliseconds> IoRetryDelay(int error, int failed);

// Returns the system's text for an errno.
std::string ErrnoText(int error);

// Repeats a call that returns an s3::Result until it succeeds or its error is final. Takes the errno from the
// error's `system_error`. `pause` gets the delay before the next call, and must wait for that time; a task of
// the graph suspends in it.
//
//   auto opened = RetryIo([&] { return OpenFile::Open(file); }, pause);
template <typename Call, typename Pause>
auto RetryIo(const Call& call, const Pause& pause) {
  for (int failed = 1;; ++failed) {
    auto result = call();
    const auto delay = result ? std::nullopt : IoRetryDelay(result.error().system_error, failed);
    if (!delay) return result;
    pause(*delay);
  }
}

// The same, but blocks the thread while it waits.
template <typename Call>
auto RetryIo(const Call& call) {
  return RetryIo(call, [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); });
}

// The same for a call that, on failure, returns a negative number and sets errno. Blocks the thread while it
// waits.
template <typename Call>
auto RetrySystemCall(const Call& call) {
  for (int failed = 1;; ++failed) {
    const auto result = call();
    const auto delay = result >= 0 ? std::nullopt : IoRetryDelay(errno, failed);
    if (!delay) return result;
    std::this_thread::sleep_for(*delay);
  }
}

// Calls `call`, which returns a descriptor. If no descriptor is free, blocks and repeats the call until
// uploads have closed some. Gives up after 10 s, because the caller itself may hold all descriptors, such as
// a walk in a tree that is deeper than the descriptor limit.
template <typename Call>
int WithDescriptor(const Call& call) {
  constexpr std::chrono::milliseconds kPause{20};
  constexpr int kMaxPauses = 500;
  for (int pauses = 0;; ++pauses) {
    const int fd = call();
    const bool none_left = fd < 0 && (errno == EMFILE || errno == ENFILE);
    if (!none_left || pauses == kMaxPauses) return fd;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace pipeline

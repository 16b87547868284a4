// Keeps the credentials of a run fresh: one snapshot that everybody signs with, one thread that renews
// it ahead of its end.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "s3/base/read_mostly.h"
#include "s3/base/waiter.h"
#include "s3/credentials.h"

namespace s3 {

// When to renew, seen from the end of the credentials. Shorter lives get shorter windows: at most a half
// and a fifth of them. https://github.com/boto/botocore (credentials.py): 15 and 10 minutes.
struct RenewalOptions {
  std::chrono::milliseconds advisory{std::chrono::minutes(15)};   // renewed beside the work
  std::chrono::milliseconds mandatory{std::chrono::minutes(10)};  // the work waits for one try
  // How long the work waits for fresh credentials once the old ones are no good any more.
  std::chrono::milliseconds patience{std::chrono::minutes(5)};
};

// Thread-safe. Snapshots are immutable: key, secret and token of one signature belong together. They are
// valid as long as the cache.
class CredentialCache {
 public:
  using Snapshot = const Credentials*;

  // Without `fetch`, or when what was provided is not renewable, `first` is all there ever is. `notice`
  // is told, in one line, that the work is paused and that it goes on; it must not wait.
  CredentialCache(ProvidedCredentials first, FetchCredentials fetch, RenewalOptions options,
                  std::function<void(std::string_view)> notice);
  // Precondition: nobody waits.
  ~CredentialCache();

  // What to sign with now; takes no lock while that is fresh. Waits through `waiter` in the mandatory window,
  // for one try of the refresher, and when the credentials are no good, until there are others.
  // kNoCredentials, then and from then on, when there are none to be had.
  Result<Snapshot> Get(Waiter* waiter);

  // The store has refused `used` as expired: waits until there are others. False when there are none to
  // be had.
  bool Renew(const Snapshot& used, Waiter* waiter);

  // Nobody waits any more, from now on: what is in flight ends with what there is.
  void Cancel();

  // How often fresh credentials took the place of old ones.
  std::uint64_t renewals() const;

 private:
  using Clock = std::chrono::system_clock;
  enum class State { kFresh, kStale, kUseless };

  State StateAt(Clock::time_point now) const;
  Result<Snapshot> GetUnlessFresh(Waiter* waiter);
  void SetWindows(Clock::time_point now);
  void Await(std::uint64_t generation, Waiter* waiter);
  void Settle(std::unique_lock<std::mutex> lock);
  void RunRefresher(std::stop_token stop);
  std::string Take(Result<ProvidedCredentials> fetched, Clock::time_point now);
  void GiveUp(const std::string& why);

  const FetchCredentials fetch_;
  const RenewalOptions options_;
  const std::function<void(std::string_view)> notice_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;  // for the refresher
  std::string source_;
  bool renewable_;
  ReadMostly<Credentials> credentials_;
  std::atomic<Clock::time_point> fresh_until_;  // until then StateAt is kFresh, perhaps longer
  Clock::time_point advisory_at_, mandatory_at_, next_try_;
  bool refused_ = false;  // the store says that the current ones have expired
  int failures_ = 0;      // of the refresher, one after the other
  std::optional<Clock::time_point> paused_since_;
  std::optional<Error> gave_up_;
  bool cancelled_ = false;
  std::uint64_t generation_ = 0;  // counts the refresher's tries
  std::uint64_t renewals_ = 0;
  std::vector<Wake> waiting_;
  std::jthread refresher_;
};

}  // namespace s3

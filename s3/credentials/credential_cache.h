// Keeps the credentials of a run fresh. All requests sign with one snapshot, which a thread replaces before
// it expires.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>
#include <vector>

#include "s3/base/mutex.h"
#include "s3/base/read_mostly.h"
#include "s3/base/waiter.h"
#include "s3/credentials.h"

namespace s3 {

// When to renew credentials, as time before their expiry. If the lifetime is short, the windows are shorter:
// `advisory` is at most a half, `mandatory` at most a fifth of the lifetime. 15 and 10 minutes are botocore's
// values (credentials.py).
struct RenewalOptions {
  std::chrono::milliseconds advisory{std::chrono::minutes(15)};   // requests continue meanwhile
  std::chrono::milliseconds mandatory{std::chrono::minutes(10)};  // requests wait for one attempt
  // How long requests wait for new credentials after the old ones became unusable.
  std::chrono::milliseconds patience{std::chrono::minutes(5)};
};

// Thread-safe. Snapshots are immutable, so key, secret and token of one signature belong together. A snapshot
// stays valid until the cache is destroyed.
class CredentialCache {
 public:
  using Snapshot = const Credentials*;

  // Never renews without `fetch`, or if `first` is not renewable. `notice` receives one line when a renewal
  // fails, when requests start to wait, and when they continue. It is called in the refresher's thread and
  // must not block.
  CredentialCache(ProvidedCredentials first, FetchCredentials fetch, RenewalOptions options,
                  std::function<void(std::string_view)> notice);
  // Precondition: no thread or task is in Get() or Renew().
  ~CredentialCache();

  // Returns the credentials to sign with now. Takes no lock while they are fresh. In the mandatory window it
  // waits through `waiter` for one attempt to renew them. If they are unusable, it waits for new credentials.
  // If the wait takes longer than `patience`, or if the credentials are not renewable, Get() fails with
  // kNoCredentials, and so does every later call.
  Result<Snapshot> Get(Waiter* waiter);

  // Call it when the store refused `used` as expired. Waits for other credentials, as Get() does. Returns
  // false if the wait ends without other credentials.
  bool Renew(const Snapshot& used, Waiter* waiter);

  // Ends all current and future waits. Get() then returns the current credentials, or kCancelled if they are
  // unusable. Any thread.
  void Cancel();

  // Returns how often other credentials replaced the current ones.
  std::uint64_t renewals() const;

 private:
  using Clock = std::chrono::system_clock;
  enum class State {
    kFresh,     // usable
    kStale,     // usable, but one attempt to renew them comes first
    kUnusable,  // expired, or refused by the store
  };

  State StateAt(Clock::time_point now) const S3_REQUIRES(mutex_);
  Result<Snapshot> GetUnlessFresh(Waiter* waiter);
  void SetWindows(Clock::time_point now) S3_REQUIRES(mutex_);
  void WaitForAttempt(std::uint64_t generation, Waiter* waiter);
  void WakeAll(MutexLock lock);
  void RunRefresher(std::stop_token stop);
  // These return the notice to give; empty for none. Called with the mutex held.
  std::string Accept(Result<ProvidedCredentials> fetched, Clock::time_point now) S3_REQUIRES(mutex_);
  std::string Replace(ProvidedCredentials fresh, Clock::time_point now) S3_REQUIRES(mutex_);
  std::string RecordFailure(const std::string& why, Clock::time_point now) S3_REQUIRES(mutex_);
  void GiveUp(const std::string& why) S3_REQUIRES(mutex_);

  const FetchCredentials fetch_;
  const RenewalOptions options_;
  const std::function<void(std::string_view)> notice_;

  mutable Mutex mutex_;
  std::condition_variable_any changed_;  // the refresher waits on it
  std::string source_ S3_GUARDED_BY(mutex_);
  bool renewable_;
  ReadMostly<Credentials> credentials_;
  std::atomic<Clock::time_point> fresh_until_;  // StateAt is kFresh at least until then
  Clock::time_point advisory_at_ S3_GUARDED_BY(mutex_), mandatory_at_ S3_GUARDED_BY(mutex_),
      next_attempt_ S3_GUARDED_BY(mutex_);
  bool refused_ S3_GUARDED_BY(mutex_) = false;  // the store refused the current credentials as expired
  int failures_ S3_GUARDED_BY(mutex_) = 0;      // of the refresher, in a row
  std::optional<Clock::time_point> paused_since_ S3_GUARDED_BY(mutex_);
  std::optional<Error> final_error_ S3_GUARDED_BY(mutex_);  // set once no more attempts are made
  bool cancelled_ S3_GUARDED_BY(mutex_) = false;
  std::uint64_t generation_ S3_GUARDED_BY(mutex_) = 0;  // counts the refresher's attempts
  std::uint64_t renewals_ S3_GUARDED_BY(mutex_) = 0;
  std::vector<Wake> waiting_ S3_GUARDED_BY(mutex_);
  std::jthread refresher_;
};

}  // namespace s3

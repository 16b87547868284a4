#include "s3/credentials/credential_cache.h"

#include <fmt/format.h>

#include <algorithm>

namespace s3 {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstPause{1'000}, kMaxPause{60'000};

}  // namespace

CredentialCache::CredentialCache(ProvidedCredentials first, FetchCredentials fetch, RenewalOptions options,
                                 std::function<void(std::string_view)> notice)
    : fetch_(std::move(fetch)),
      options_(options),
      notice_(std::move(notice)),
      source_(std::move(first.source)),
      renewable_(first.renewable && fetch_ != nullptr),
      credentials_(std::move(first.credentials)) {
  SetWindows(Clock::now());
  if (renewable_) refresher_ = std::jthread([this](std::stop_token stop) { RunRefresher(stop); });
}

CredentialCache::~CredentialCache() {
  refresher_.request_stop();
  if (refresher_.joinable()) refresher_.join();
}

void CredentialCache::SetWindows(Clock::time_point now) {
  const auto expires = credentials_.Current()->expires;
  if (!expires) {
    advisory_at_ = mandatory_at_ = Clock::time_point::max();
  } else {
    const auto lifetime = std::max(Clock::duration(0), *expires - now);
    advisory_at_ = *expires - std::min<Clock::duration>(options_.advisory, lifetime / 2);
    mandatory_at_ = *expires - std::min<Clock::duration>(options_.mandatory, lifetime / 5);
  }
  next_attempt_ = advisory_at_;
  fresh_until_ = renewable_ ? mandatory_at_ : expires.value_or(Clock::time_point::max());
}

CredentialCache::State CredentialCache::StateAt(Clock::time_point now) const {
  const auto expires = credentials_.Current()->expires;
  if (refused_ || (expires && now >= *expires)) return State::kUnusable;
  // kStale lasts for only one attempt: after a failure, the old credentials are used until they expire or the
  // store refuses them.
  return now >= mandatory_at_ && failures_ == 0 && renewable_ ? State::kStale : State::kFresh;
}

Result<CredentialCache::Snapshot> CredentialCache::Get(Waiter* waiter) {
  if (Clock::now() < fresh_until_.load()) return credentials_.Current();
  return GetUnlessFresh(waiter);
}

Result<CredentialCache::Snapshot> CredentialCache::GetUnlessFresh(Waiter* waiter) {
  for (;;) {
    MutexLock lock(mutex_);
    const auto state = StateAt(Clock::now());
    if (state == State::kFresh) return credentials_.Current();
    if (!renewable_ && !final_error_) GiveUp("their source cannot renew them");
    if (final_error_) return tl::unexpected(*final_error_);
    if (cancelled_ && state == State::kStale) return credentials_.Current();
    if (cancelled_)
      return Fail(ErrorKind::kCancelled, "the run was stopped while it waited for new credentials");
    const auto generation = generation_;
    changed_.notify_one();
    lock.unlock();
    WaitForAttempt(generation, waiter);
  }
}

bool CredentialCache::Renew(const Snapshot& used, Waiter* waiter) {
  {
    const MutexLock lock(mutex_);
    if (credentials_.Current() == used) {
      refused_ = true;
      fresh_until_ = Clock::time_point::min();
    }
  }
  const auto now = Get(waiter);
  return now && *now != used;
}

void CredentialCache::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  WakeAll(std::move(lock));
}

std::uint64_t CredentialCache::renewals() const {
  const MutexLock lock(mutex_);
  return renewals_;
}

// Waits until the refresher has finished an attempt after `generation`.
void CredentialCache::WaitForAttempt(std::uint64_t generation, Waiter* waiter) {
  waiter->Wait(SlotState::kSibling, [this, generation](Wake wake) {
    {
      const MutexLock lock(mutex_);
      if (generation_ == generation && !cancelled_) {
        waiting_.push_back(wake);
        return;
      }
    }
    wake();
  });
}

void CredentialCache::WakeAll(MutexLock lock) S3_NO_THREAD_SAFETY_ANALYSIS {  // releases the caller's lock
  std::vector<Wake> waiting;
  waiting.swap(waiting_);
  ++generation_;
  lock.unlock();
  for (const auto wake : waiting) wake();
}

void CredentialCache::RunRefresher(std::stop_token stop) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      // Credentials are fetched at the planned time, `next_attempt_`. They are fetched earlier if they are
      // stale or unusable, unless the last attempt failed.
      const auto due = [&]() S3_REQUIRES(mutex_) {
        const bool demanded = failures_ == 0 && StateAt(Clock::now()) != State::kFresh;
        return !final_error_ && (demanded || Clock::now() >= next_attempt_);
      };
      while (!stop.stop_requested() && !due()) {
        if (final_error_ || next_attempt_ == Clock::time_point::max()) {
          changed_.wait(lock, stop, due);
        } else {
          changed_.wait_until(lock, stop, next_attempt_, due);
        }
      }
      if (stop.stop_requested()) return;
      if (StateAt(Clock::now()) == State::kUnusable && !paused_since_) paused_since_ = Clock::now();
    }
    auto fetched = fetch_(stop);
    if (stop.stop_requested()) return;
    MutexLock lock(mutex_);
    const auto text = Accept(std::move(fetched), Clock::now());
    WakeAll(std::move(lock));
    if (!text.empty() && notice_) notice_(text);
  }
}

std::string CredentialCache::Accept(Result<ProvidedCredentials> fetched, Clock::time_point now) {
  if (!fetched) return RecordFailure(fetched.error().message, now);
  const auto& credentials = fetched->credentials;
  if (credentials.expires && *credentials.expires <= now) {
    return RecordFailure(fmt::format("{} returned credentials that have already expired", fetched->source),
                         now);
  }
  if (refused_ && credentials.SignsLike(*credentials_.Current())) {
    return RecordFailure(fmt::format("{} returned the same credentials again", fetched->source), now);
  }
  return Replace(std::move(*fetched), now);
}

std::string CredentialCache::Replace(ProvidedCredentials fresh, Clock::time_point now) {
  const bool was_paused = paused_since_ && failures_ > 0;
  const bool same = fresh.credentials.SignsLike(*credentials_.Current());
  if (!same) ++renewals_;
  credentials_.Publish(std::move(fresh.credentials));
  source_ = std::move(fresh.source);
  refused_ = false;
  failures_ = 0;
  paused_since_.reset();
  SetWindows(now);
  // The source has no new keys yet: ask again later, not at once.
  if (same) next_attempt_ = std::max(next_attempt_, now + kFirstPause);
  return was_paused ? "got new credentials: the run continues" : "";
}

std::string CredentialCache::RecordFailure(const std::string& why, Clock::time_point now) {
  using std::chrono::seconds;
  const auto pause = std::min(kFirstPause * (1 << std::min(failures_, 10)), kMaxPause);
  const bool is_first = failures_++ == 0;
  next_attempt_ = now + pause;
  if (StateAt(now) != State::kUnusable) {
    const auto expires = credentials_.Current()->expires;
    if (expires) next_attempt_ = std::min(next_attempt_, *expires);
    if (!is_first) return "";
    const auto left = std::chrono::floor<seconds>(expires.value_or(now) - now);
    return fmt::format("cannot renew the credentials, which are valid for another {} s: {}", left.count(),
                       why);
  }
  const bool is_new_pause = !paused_since_ || is_first;
  if (!paused_since_) paused_since_ = now;
  const auto deadline = *paused_since_ + options_.patience;
  if (now >= deadline) {
    GiveUp(why);
    return "";
  }
  next_attempt_ = std::min(next_attempt_, deadline);
  if (!is_new_pause) return "";
  return fmt::format(
      "the credentials have expired and cannot be renewed: {}; new requests wait for up to {} s", why,
      std::chrono::ceil<seconds>(options_.patience).count());
}

void CredentialCache::GiveUp(const std::string& why) {
  final_error_ = Error{.kind = ErrorKind::kNoCredentials,
                       .message = fmt::format("the credentials have expired ({}): {}", source_, why)};
}

}  // namespace s3

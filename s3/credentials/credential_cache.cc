#include "s3/credentials/credential_cache.h"

#include <fmt/format.h>

#include <algorithm>

namespace s3 {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstPause{1'000}, kLongestPause{60'000};

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
  next_try_ = advisory_at_;
  fresh_until_ = renewable_ ? mandatory_at_ : expires.value_or(Clock::time_point::max());
}

CredentialCache::State CredentialCache::StateAt(Clock::time_point now) const {
  const auto expires = credentials_.Current()->expires;
  if (refused_ || (expires && now >= *expires)) return State::kUseless;
  // One try only: credentials that the store still takes are used as long as it does.
  return now >= mandatory_at_ && failures_ == 0 && renewable_ ? State::kStale : State::kFresh;
}

Result<CredentialCache::Snapshot> CredentialCache::Get(Waiter* waiter) {
  if (Clock::now() < fresh_until_.load()) return credentials_.Current();
  return GetUnlessFresh(waiter);
}

Result<CredentialCache::Snapshot> CredentialCache::GetUnlessFresh(Waiter* waiter) {
  for (;;) {
    std::unique_lock lock(mutex_);
    const auto state = StateAt(Clock::now());
    if (state == State::kFresh) return credentials_.Current();
    if (!renewable_ && !gave_up_) GiveUp("they cannot be renewed");
    if (gave_up_) return tl::unexpected(*gave_up_);
    if (cancelled_ && state == State::kStale) return credentials_.Current();
    if (cancelled_) return Fail(ErrorKind::kCancelled, "the run was stopped while it waited for credentials");
    const auto generation = generation_;
    changed_.notify_one();
    lock.unlock();
    Await(generation, waiter);
  }
}

bool CredentialCache::Renew(const Snapshot& used, Waiter* waiter) {
  {
    std::lock_guard lock(mutex_);
    if (credentials_.Current() == used) {
      refused_ = true;
      fresh_until_ = Clock::time_point::min();
    }
  }
  const auto now = Get(waiter);
  return now && *now != used;
}

void CredentialCache::Cancel() {
  std::unique_lock lock(mutex_);
  cancelled_ = true;
  Settle(std::move(lock));
}

std::uint64_t CredentialCache::renewals() const {
  std::lock_guard lock(mutex_);
  return renewals_;
}

// Returns when the refresher has ended a try after `generation`.
void CredentialCache::Await(std::uint64_t generation, Waiter* waiter) {
  waiter->Wait([this, generation](Wake wake) {
    {
      std::lock_guard lock(mutex_);
      if (generation_ == generation && !cancelled_) {
        waiting_.push_back(wake);
        return;
      }
    }
    wake();
  });
}

void CredentialCache::Settle(std::unique_lock<std::mutex> lock) {
  std::vector<Wake> waiting;
  waiting.swap(waiting_);
  ++generation_;
  lock.unlock();
  for (const auto wake : waiting) wake();
}

void CredentialCache::RunRefresher(std::stop_token stop) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      // Before the advisory window only a refusal is a reason to ask, and after a failure nothing is.
      const auto due = [&] {
        const bool demanded = failures_ == 0 && StateAt(Clock::now()) != State::kFresh;
        return !gave_up_ && (demanded || Clock::now() >= next_try_);
      };
      while (!stop.stop_requested() && !due()) {
        if (gave_up_ || next_try_ == Clock::time_point::max()) {
          changed_.wait(lock, stop, due);
        } else {
          changed_.wait_until(lock, stop, next_try_, due);
        }
      }
      if (stop.stop_requested()) return;
      if (StateAt(Clock::now()) == State::kUseless && !paused_since_) paused_since_ = Clock::now();
    }
    auto fetched = fetch_(stop);
    if (stop.stop_requested()) return;
    std::unique_lock lock(mutex_);
    const auto text = Take(std::move(fetched), Clock::now());
    Settle(std::move(lock));
    if (!text.empty() && notice_) notice_(text);
  }
}

// What to tell, if anything.
std::string CredentialCache::Take(Result<ProvidedCredentials> fetched, Clock::time_point now) {
  std::string why;
  if (!fetched) {
    why = fetched.error().message;
  } else if (fetched->credentials.expires && *fetched->credentials.expires <= now) {
    why = fmt::format("{} gave credentials that have expired already", fetched->source);
  } else if (refused_ && fetched->credentials.SignsLike(*credentials_.Current())) {
    why = fmt::format("{} gives the same credentials again", fetched->source);
  }
  if (why.empty()) {
    const bool was_paused = paused_since_ && failures_ > 0;
    // The same keys, before their end: nothing new yet, asked for again when they are older.
    const bool same = fetched->credentials.SignsLike(*credentials_.Current());
    if (!same) ++renewals_;
    credentials_.Publish(std::move(fetched->credentials));
    source_ = std::move(fetched->source);
    refused_ = false;
    failures_ = 0;
    paused_since_.reset();
    SetWindows(now);
    if (same) next_try_ = std::max(next_try_, now + kFirstPause);
    return was_paused ? "fresh credentials: the run goes on" : "";
  }
  const auto pause = std::min(kFirstPause * (1 << std::min(failures_, 10)), kLongestPause);
  const bool first = failures_++ == 0;
  next_try_ = now + pause;
  if (StateAt(now) != State::kUseless) {
    // Not later than their end.
    const auto expires = credentials_.Current()->expires;
    next_try_ = std::min(next_try_, expires.value_or(next_try_));
    return first ? fmt::format("cannot renew the credentials, which are good for another {} s: {}",
                               std::chrono::floor<std::chrono::seconds>(expires.value_or(now) - now).count(),
                               why)
                 : "";
  }
  const bool first_pause = !paused_since_ || first;
  if (!paused_since_) paused_since_ = now;
  const auto end = *paused_since_ + options_.patience;
  if (now >= end) {
    GiveUp(why);
    return "";
  }
  next_try_ = std::min(next_try_, end);
  return first_pause ? fmt::format(
                           "the credentials have expired, and there are no fresh ones: {}; new work "
                           "waits up to {} s",
                           why, std::chrono::ceil<std::chrono::seconds>(options_.patience).count())
                     : "";
}

void CredentialCache::GiveUp(const std::string& why) {
  gave_up_ = Error{.kind = ErrorKind::kNoCredentials,
                   .message = fmt::format("the credentials have expired ({}): {}", source_, why)};
}

}  // namespace s3

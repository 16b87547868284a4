#include "pipeline/status/run_view.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "pipeline/journal/journal_file.h"

namespace pipeline {
namespace {

constexpr std::size_t kMaxStatusBytes = 64 << 10;

RunView Unreadable(std::string problem) {
  return {.phase = RunPhase::kUnreadable, .problem = std::move(problem)};
}

RunView Damaged(const OwnDir& directory, std::int64_t now_s, std::string problem) {
  auto view = Unreadable(std::move(problem));
  view.is_locked = RunLock::IsHeld(directory, now_s);
  view.is_damaged = true;
  return view;
}

std::int64_t AgeSeconds(const OwnDir& directory, std::int64_t now_s) {
  struct stat status {};
  if (fstatat(directory.fd(), kStatusName, &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return std::max<std::int64_t>(0, now_s - status.st_mtim.tv_sec);
}

RunPhase PhaseOf(const RunView& view) {
  if (!view.status) return view.is_locked ? RunPhase::kActive : RunPhase::kLost;
  if (HasEnded(view.status->state)) return RunPhase::kEnded;
  const bool is_silent = view.age_s > RunView::kSilence.count();
  return view.is_locked && !is_silent ? RunPhase::kActive : RunPhase::kLost;
}

}  // namespace

std::string_view RunView::StateText() const {
  switch (phase) {
    case RunPhase::kNotRun: return "not run";
    case RunPhase::kActive: return status ? StateName(status->state) : StateName(RunState::kRunning);
    case RunPhase::kLost: return "lost";
    case RunPhase::kEnded: return StateName(status->state);
    case RunPhase::kUnreadable: return "unreadable";
  }
  return "unreadable";
}

RunView ViewRun(const OwnDir& directory, std::int64_t now_s) {
  const auto found = directory.Find(kStatusName);
  if (!found) return Unreadable(found.error().message);
  if (!*found && !HasJournal(directory)) return {};
  RunView view;
  if (*found) {
    const auto text = directory.Text(kStatusName, kMaxStatusBytes);
    if (!text) return Damaged(directory, now_s, text.error().message);
    const auto status = ParseStatus(*text);
    if (!status) {
      return Damaged(directory, now_s, directory.PathOf(kStatusName) + " " + status.error().message);
    }
    view.status = *status;
    view.age_s = AgeSeconds(directory, now_s);
  }
  const bool has_ended = view.status && HasEnded(view.status->state);
  view.is_locked = !has_ended && RunLock::IsHeld(directory, now_s);
  view.phase = PhaseOf(view);
  // The run may have ended after its status was read and before its lock was checked. So the status is read
  // again.
  if (view.phase == RunPhase::kLost) {
    const auto text = directory.Text(kStatusName, kMaxStatusBytes);
    const auto status = text.and_then(ParseStatus);
    if (status && HasEnded(status->state)) {
      view.status = *status;
      view.phase = RunPhase::kEnded;
    }
  }
  return view;
}

}  // namespace pipeline

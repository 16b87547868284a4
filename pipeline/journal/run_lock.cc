#include "pipeline/journal/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "pipeline/fs/files.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr std::uint64_t kKept = 8;
constexpr std::uint64_t kMax = std::uint64_t{1} << 62;  // more is no number of ours
constexpr std::string_view kReleased = "released";

constexpr char kLocks[] = "locks";
constexpr std::size_t kMaxBytes = 4096;  // of a lock

// Of the kernel's: below /proc.
std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ProcessState StateOf(pid_t process) {
  return ParseProcessState(ReadText(fmt::format("/proc/{}/stat", process)));
}

// This boot of this machine, and this name space of process IDs: where a process ID means something. Empty
// where there is no /proc that tells: then nobody's process is known.
std::string Realm() {
  std::error_code none;
  auto boot = ReadText("/proc/sys/kernel/random/boot_id");
  boot.erase(std::remove(boot.begin(), boot.end(), '\n'), boot.end());
  const auto name_space = std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
  return boot.empty() || name_space.empty() ? "" : boot + "/" + name_space;
}

struct Holder {
  std::string realm, host;
  pid_t process = 0;
  std::uint64_t start = 0;
  bool released = false;
};

std::string Describe(const Holder& holder) {
  return fmt::format("{}\n{}\n{}\n{}\n", holder.realm, holder.host, holder.process, holder.start);
}

Holder ThisProcess() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  return {Realm(), host, getpid(), StateOf(getpid()).start};
}

// Of a lock that was torn by a crash there may be less.
s3::Result<Holder> ReadHolder(const OwnDir& locks, std::uint64_t number) {
  const auto read = locks.Text(std::to_string(number), kMaxBytes);
  if (!read) return tl::unexpected(read.error());
  std::istringstream text(*read);
  Holder holder;
  std::string last;
  std::getline(text, holder.realm);
  std::getline(text, holder.host);
  text >> holder.process >> holder.start >> last;
  holder.released = last == kReleased;
  return holder;
}

s3::Result<std::vector<std::uint64_t>> Numbers(const OwnDir& locks) {
  const auto names = locks.Names();
  if (!names) return tl::unexpected(names.error());
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = error == std::errc() && end == name.data() + name.size();
    if (whole && number < kMax) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Seconds between two times of the directory's own clock: `now` was written just now.
std::int64_t AgeSeconds(const OwnDir& locks, std::uint64_t number, const s3::UniqueFd& now) {
  struct stat held {
  }, written{};
  const auto name = std::to_string(number);
  const bool known =
      fstatat(locks.fd(), name.c_str(), &held, AT_SYMLINK_NOFOLLOW) == 0 && fstat(now.get(), &written) == 0;
  return known ? written.st_mtim.tv_sec - held.st_mtim.tv_sec : 0;
}

// Nothing when that cannot be told here: it ran elsewhere, or /proc hides the processes of other users
// (proc(5), hidepid).
std::optional<bool> IsAlive(const Holder& holder) {
  if (holder.realm.empty() || holder.realm != Realm()) return std::nullopt;
  const auto state = StateOf(holder.process);
  if (state.start != 0) return state.start == holder.start && !state.has_ended;
  if (kill(holder.process, 0) != 0 && errno == EPERM) return std::nullopt;
  return false;
}

// Nothing when nobody holds it; else who does.
s3::Result<std::optional<std::string>> HeldBy(const OwnDir& locks, std::uint64_t number,
                                              const s3::UniqueFd& now) {
  const auto holder = ReadHolder(locks, number);
  if (!holder) return tl::unexpected(holder.error());
  if (holder->released) return std::nullopt;
  if (const auto alive = IsAlive(*holder)) {
    if (!*alive) return std::nullopt;
    return fmt::format("process {} on this machine", holder->process);
  }
  const auto age = AgeSeconds(locks, number, now);
  if (age > RunLock::kStale.count()) return std::nullopt;
  return fmt::format(
      "process {} on {}, which gave a sign of life {} s ago (if it is dead: try again in {} s)",
      holder->process, holder->host, age, RunLock::kStale.count() - age + 1);
}

// What has a lock's name and is none stays.
void RemoveOld(const OwnDir& locks, std::uint64_t number) {
  const auto holder = ReadHolder(locks, number);
  if (holder && holder->process > 0) locks.Remove(std::to_string(number));
}

std::string NewName() { return "new-" + s3::HexEncode(s3::RandomBytes(8)); }

}  // namespace

ProcessState ParseProcessState(std::string_view stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  std::istringstream fields{std::string(stat.substr(name_end + 1))};
  std::vector<std::string> values(23);  // by number, from 1
  for (std::size_t i = 3; i < values.size() && fields >> values[i]; ++i) {
  }
  ProcessState state;
  const auto& start = values[22];
  std::from_chars(start.data(), start.data() + start.size(), state.start);
  const bool first_thread_ended = values[3] == "Z" || values[3] == "X";
  state.has_ended = first_thread_ended && (values[20] == "1" || values[20] == "0");
  return state;
}

s3::Result<std::unique_ptr<RunLock>> RunLock::Acquire(const OwnDir& run_dir, std::function<void()> on_lost) {
  using Acquired = s3::Result<std::unique_ptr<RunLock>>;
  const auto locks = run_dir.MakeDir(kLocks);
  if (!locks) return tl::unexpected(locks.error());
  const auto ours = NewName();
  auto file = locks->Create(ours, 0644);
  if (!file) return tl::unexpected(file.error());
  const auto end = [&](Acquired result) {
    locks->Remove(ours);
    return result;
  };
  const auto failed = [&](const std::string& name, int error) {
    return end(tl::unexpected(ErrnoError(locks->PathOf(name), error)));
  };
  const auto held = [&](const std::string& who) {
    return end(s3::Fail(s3::ErrorKind::kCancelled, fmt::format("{} is in use by {}", run_dir.path(), who)));
  };
  if (const int error = WriteAll(file->get(), Describe(ThisProcess())); error != 0)
    return failed(ours, error);
  const auto numbers = Numbers(*locks);
  if (!numbers) return end(tl::unexpected(numbers.error()));
  const auto highest = numbers->empty() ? 0 : numbers->back();
  if (highest > 0) {
    const auto who = HeldBy(*locks, highest, *file);
    if (!who) return end(tl::unexpected(who.error()));
    if (*who) return held(**who);
  }
  const auto name = std::to_string(highest + 1);
  const int error = linkat(locks->fd(), ours.c_str(), locks->fd(), name.c_str(), 0) == 0 ? 0 : errno;
  // The answer of link(2) may be lost on NFS: the count of links tells (open(2), O_EXCL).
  struct stat status {};
  const bool linked = error == 0 || (fstat(file->get(), &status) == 0 && status.st_nlink == 2);
  if (!linked && error != EEXIST) return failed(name, error);
  if (!linked) return held("a process that was faster");
  for (const auto number : *numbers) {
    if (number + kKept <= highest) RemoveOld(*locks, number);
  }
  return end(
      std::unique_ptr<RunLock>(new RunLock(*locks, std::move(*file), highest + 1, std::move(on_lost))));
}

bool RunLock::IsHeld(const OwnDir& run_dir) {
  const auto locks = run_dir.FindDir(kLocks);
  if (!locks || !*locks) return false;
  const auto numbers = Numbers(**locks);
  if (!numbers || numbers->empty()) return false;
  const auto name = NewName();
  const auto now = (*locks)->Create(name, 0644);
  if (!now) return false;
  const auto who = HeldBy(**locks, numbers->back(), *now);
  (*locks)->Remove(name);
  return who && *who;
}

RunLock::RunLock(OwnDir locks, s3::UniqueFd file, std::uint64_t number, std::function<void()> on_lost)
    : locks_(std::move(locks)),
      file_(std::move(file)),
      number_(number),
      on_lost_(std::move(on_lost)),
      thread_([this] { Renew(); }) {}

void RunLock::Renew() {
  const auto next = std::to_string(number_ + 1);
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kRenewal, [this] { return quit_; })) {
    futimens(file_.get(), nullptr);
    if (!locks_.Has(next)) continue;
    lock.unlock();
    return on_lost_();
  }
}

RunLock::~RunLock() {
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_all();
  }
  thread_.join();
  (void)WriteAll(file_.get(), kReleased);
}

}  // namespace pipeline

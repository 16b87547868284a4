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
#include "s3/base/environment.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr std::uint64_t kKeptLocks = 8;
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 62;  // locks of s3flow have smaller numbers
constexpr std::string_view kReleased = "released";

constexpr char kLocks[] = "locks";
constexpr std::size_t kMaxLockBytes = 4096;

// Reads a file below /proc; returns an empty text if it cannot be read.
std::string ReadProcFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ProcessState StateOf(pid_t process) {
  return ParseProcessState(ReadProcFile(fmt::format("/proc/{}/stat", process)));
}

// Names the realm in which a process ID is unique: one boot of one machine, and one namespace of process IDs.
// Returns the realm of this process, or an empty text if /proc does not tell it. Without a realm no process
// can be looked up.
std::string Realm() {
  std::error_code none;
  auto boot = ReadProcFile("/proc/sys/kernel/random/boot_id");
  boot.erase(std::remove(boot.begin(), boot.end(), '\n'), boot.end());
  const auto pid_namespace = std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
  return boot.empty() || pid_namespace.empty() ? "" : boot + "/" + pid_namespace;
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

Holder ThisProcess() { return {Realm(), s3::HostName(), getpid(), StateOf(getpid()).start}; }

// Leaves missing fields empty, because a crash may have torn the lock file.
s3::Result<Holder> ReadHolder(const OwnDir& locks, std::uint64_t number) {
  const auto read = locks.Text(std::to_string(number), kMaxLockBytes);
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

s3::Result<std::vector<std::uint64_t>> LockNumbers(const OwnDir& locks) {
  const auto names = locks.Names();
  if (!names) return tl::unexpected(names.error());
  std::vector<std::uint64_t> numbers;
  for (const auto& name : *names) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool whole = error == std::errc() && end == name.data() + name.size();
    if (whole && number < kMaxNumber) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::int64_t AgeSeconds(const OwnDir& locks, std::uint64_t number, std::int64_t now_s) {
  struct stat held {};
  const auto name = std::to_string(number);
  if (fstatat(locks.fd(), name.c_str(), &held, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return now_s - held.st_mtim.tv_sec;
}

// Returns whether the holder is alive. Returns nothing if this machine cannot tell, because the holder ran on
// another machine, or because /proc hides the processes of other users (proc(5), hidepid).
std::optional<bool> IsAlive(const Holder& holder) {
  if (holder.realm.empty() || holder.realm != Realm()) return std::nullopt;
  const auto state = StateOf(holder.process);
  if (state.start != 0) return state.start == holder.start && !state.has_ended;
  if (kill(holder.process, 0) != 0 && errno == EPERM) return std::nullopt;
  return false;
}

// Returns a description of the holder; nothing if no process holds the lock.
s3::Result<std::optional<std::string>> HeldBy(const OwnDir& locks, std::uint64_t number, std::int64_t now_s) {
  const auto holder = ReadHolder(locks, number);
  if (!holder) return tl::unexpected(holder.error());
  if (holder->released) return std::nullopt;
  if (const auto alive = IsAlive(*holder)) {
    if (!*alive) return std::nullopt;
    return fmt::format("process {} on this machine", holder->process);
  }
  const auto age = AgeSeconds(locks, number, now_s);
  if (age > RunLock::kStale.count()) return std::nullopt;
  return fmt::format(
      "process {} on {}, which renewed its lock {} s ago (if the process is dead, try again in {} s)",
      holder->process, holder->host, age, RunLock::kStale.count() - age + 1);
}

// Removes the lock file. Keeps the file if it has the name of a lock but is not a lock.
void RemoveOldLock(const OwnDir& locks, std::uint64_t number) {
  const auto holder = ReadHolder(locks, number);
  if (holder && holder->process > 0) locks.Remove(std::to_string(number));
}

// A new file with a random name in the directory of locks. The destructor removes that name.
class NewFile {
 public:
  static s3::Result<NewFile> Create(const OwnDir& locks) {
    auto name = "new-" + s3::HexEncode(s3::RandomBytes(8));
    return locks.Create(name, 0644).map([&](s3::UniqueFd file) {
      return NewFile(&locks, std::move(name), std::move(file));
    });
  }
  NewFile(NewFile&& other) noexcept = default;
  ~NewFile() {
    if (!name_.empty()) locks_->Remove(name_);
  }

  const s3::UniqueFd& file() const { return file_; }
  std::string path() const { return locks_->PathOf(name_); }
  s3::UniqueFd TakeFile() && { return std::move(file_); }

  // Gives the file the additional name `name`. Returns false if another file has that name.
  s3::Result<bool> LinkTo(const std::string& name) const {
    const int fd = locks_->fd();
    const int error = linkat(fd, name_.c_str(), fd, name.c_str(), 0) == 0 ? 0 : errno;
    if (error == 0) return true;
    // On NFS the call may have succeeded although its reply was lost. In that case the file has two links
    // (open(2), O_EXCL).
    struct stat status {};
    if (fstat(file_.get(), &status) == 0 && status.st_nlink == 2) return true;
    if (error == EEXIST) return false;
    return tl::unexpected(ErrnoError(locks_->PathOf(name), error));
  }

 private:
  NewFile(const OwnDir* locks, std::string name, s3::UniqueFd file)
      : locks_(locks), name_(std::move(name)), file_(std::move(file)) {}

  const OwnDir* locks_;
  std::string name_;
  s3::UniqueFd file_;
};

}  // namespace

ProcessState ParseProcessState(std::string_view stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  std::istringstream fields{std::string(stat.substr(name_end + 1))};
  std::vector<std::string> values(23);  // index n: the field with number n in proc_pid_stat(5)
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
  const auto in_use_by = [&](const std::string& holder) {
    return s3::Fail(s3::ErrorKind::kCancelled, fmt::format("{} is in use by {}", run_dir.path(), holder));
  };
  const auto locks = run_dir.MakeDir(kLocks);
  if (!locks) return tl::unexpected(locks.error());
  auto ours = NewFile::Create(*locks);
  if (!ours) return tl::unexpected(ours.error());
  const int error = WriteAll(ours->file().get(), Describe(ThisProcess()));
  if (error != 0) return tl::unexpected(ErrnoError(ours->path(), error));
  const auto numbers = LockNumbers(*locks);
  if (!numbers) return tl::unexpected(numbers.error());
  const auto highest = numbers->empty() ? 0 : numbers->back();
  if (highest > 0) {
    const auto holder = HeldBy(*locks, highest, locks->FileSystemTime());
    if (!holder) return tl::unexpected(holder.error());
    if (*holder) return in_use_by(**holder);
  }
  const auto linked = ours->LinkTo(std::to_string(highest + 1));
  if (!linked) return tl::unexpected(linked.error());
  if (!*linked) return in_use_by("a process that took the lock at the same moment");
  for (const auto number : *numbers) {
    if (number + kKeptLocks <= highest) RemoveOldLock(*locks, number);
  }
  return std::unique_ptr<RunLock>(
      new RunLock(*locks, std::move(*ours).TakeFile(), highest + 1, std::move(on_lost)));
}

bool RunLock::IsHeld(const OwnDir& run_dir, std::int64_t now_s) {
  const auto locks = run_dir.FindDir(kLocks);
  if (!locks || !*locks) return false;
  const auto numbers = LockNumbers(**locks);
  if (!numbers || numbers->empty()) return false;
  const auto holder = HeldBy(**locks, numbers->back(), now_s);
  return holder && *holder;
}

RunLock::RunLock(OwnDir locks, s3::UniqueFd file, std::uint64_t number, std::function<void()> on_lost)
    : locks_(std::move(locks)), file_(std::move(file)), number_(number), on_lost_(std::move(on_lost)) {
  renewal_.emplace(kRenewal, [this] { return Renew(); });
}

// Renews the file's mtime. If another process has taken the lock, returns nothing, which ends the renewals.
std::optional<s3::PeriodicThread::Pause> RunLock::Renew() {
  futimens(file_.get(), nullptr);
  if (!locks_.Has(std::to_string(number_ + 1))) return kRenewal;
  on_lost_();
  return std::nullopt;
}

RunLock::~RunLock() {
  renewal_.reset();
  (void)WriteAll(file_.get(), kReleased);
}

}  // namespace pipeline

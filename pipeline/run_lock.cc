#include "pipeline/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "s3/hash.h"

namespace pipeline {
namespace {

constexpr std::uint64_t kKept = 8;
constexpr std::string_view kReleased = "released";

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

tl::unexpected<s3::Error> FailErrno(const std::string& path) {
  return s3::Fail(s3::ErrorKind::kLocal, fmt::format("{}: {}", path, std::strerror(errno)));
}

// When the process began, in clock ticks since the boot; 0 when there is none. proc(5), field 22.
std::uint64_t StartOf(pid_t process) {
  const auto text = ReadText(fmt::format("/proc/{}/stat", process));
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i) {
  }
  std::uint64_t start = 0;
  std::from_chars(field.data(), field.data() + field.size(), start);
  return start;
}

// This boot of this machine, and this name space of process IDs: where a process ID means something.
std::string Realm() {
  std::error_code none;
  auto boot = ReadText("/proc/sys/kernel/random/boot_id");
  boot.erase(std::remove(boot.begin(), boot.end(), '\n'), boot.end());
  return boot + "/" + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
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
  return {Realm(), host, getpid(), StartOf(getpid())};
}

Holder ReadHolder(const std::string& path) {
  std::istringstream text(ReadText(path));
  Holder holder;
  std::string last;
  std::getline(text, holder.realm);
  std::getline(text, holder.host);
  text >> holder.process >> holder.start >> last;
  holder.released = last == kReleased;
  return holder;
}

std::vector<std::uint64_t> Numbers(const std::string& directory) {
  std::vector<std::uint64_t> numbers;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    const auto name = entry.path().filename().string();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string PathOf(const std::string& directory, std::uint64_t number) {
  return fmt::format("{}/{}", directory, number);
}

// Seconds between two times of the directory's own clock: `now_path` was written just now.
std::int64_t AgeSeconds(const std::string& path, const std::string& now_path) {
  struct stat held {
  }, now{};
  if (stat(path.c_str(), &held) != 0 || stat(now_path.c_str(), &now) != 0) return 0;
  return now.st_mtim.tv_sec - held.st_mtim.tv_sec;
}

// Nothing when nobody holds `path`; else who does.
std::optional<std::string> HeldBy(const std::string& path, const std::string& now_path) {
  const auto holder = ReadHolder(path);
  if (holder.released) return std::nullopt;
  if (holder.realm == Realm()) {
    if (StartOf(holder.process) != holder.start) return std::nullopt;
    return fmt::format("process {} on this machine", holder.process);
  }
  const auto age = AgeSeconds(path, now_path);
  if (age > RunLock::kStale.count()) return std::nullopt;
  return fmt::format(
      "process {} on {}, which gave a sign of life {} s ago (if it is dead: try again in {} s)",
      holder.process, holder.host, age, RunLock::kStale.count() - age + 1);
}

bool WriteNew(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return false;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return (close(fd) == 0) && written;
}

}  // namespace

s3::Result<std::unique_ptr<RunLock>> RunLock::Acquire(const std::string& run_dir,
                                                      std::function<void()> on_lost) {
  using Acquired = s3::Result<std::unique_ptr<RunLock>>;
  const auto directory = run_dir + "/locks";
  if (mkdir(directory.c_str(), 0777) != 0 && errno != EEXIST) return FailErrno(directory);
  const auto ours = fmt::format("{}/new-{}", directory, s3::HexEncode(s3::RandomBytes(8)));
  const bool written = WriteNew(ours, Describe(ThisProcess()));
  const auto end = [&](Acquired result) {
    unlink(ours.c_str());
    return result;
  };
  if (!written) return end(FailErrno(ours));
  const auto numbers = Numbers(directory);
  const auto highest = numbers.empty() ? 0 : numbers.back();
  const auto held = [&](const std::string& who) {
    return s3::Fail(s3::ErrorKind::kCancelled, fmt::format("{} is in use by {}", run_dir, who));
  };
  if (highest > 0) {
    if (const auto who = HeldBy(PathOf(directory, highest), ours)) return end(held(*who));
  }
  const auto path = PathOf(directory, highest + 1);
  // The answer of link(2) may be lost on NFS: the count of links tells (open(2), O_EXCL).
  struct stat status {};
  const bool linked =
      link(ours.c_str(), path.c_str()) == 0 || (stat(ours.c_str(), &status) == 0 && status.st_nlink == 2);
  if (!linked && errno != EEXIST) return end(FailErrno(path));
  if (!linked) return end(held("a process that was faster"));
  for (const auto number : numbers) {
    if (number + kKept <= highest) unlink(PathOf(directory, number).c_str());
  }
  return end(std::unique_ptr<RunLock>(new RunLock(directory, highest + 1, std::move(on_lost))));
}

bool RunLock::IsHeld(const std::string& run_dir) {
  const auto directory = run_dir + "/locks";
  const auto numbers = Numbers(directory);
  const auto now = fmt::format("{}/new-{}", directory, s3::HexEncode(s3::RandomBytes(8)));
  if (numbers.empty() || !WriteNew(now, "")) return false;
  const bool held = HeldBy(PathOf(directory, numbers.back()), now).has_value();
  unlink(now.c_str());
  return held;
}

RunLock::RunLock(std::string directory, std::uint64_t number, std::function<void()> on_lost)
    : directory_(std::move(directory)),
      number_(number),
      on_lost_(std::move(on_lost)),
      thread_([this] { Renew(); }) {}

void RunLock::Renew() {
  const auto path = PathOf(directory_, number_);
  const auto next = PathOf(directory_, number_ + 1);
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kRenewal, [this] { return quit_; })) {
    utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    if (access(next.c_str(), F_OK) != 0) continue;
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
  const int fd = open(PathOf(directory_, number_).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return;
  [[maybe_unused]] const auto written = write(fd, kReleased.data(), kReleased.size());
  close(fd);
}

}  // namespace pipeline

#include "pipeline/source/name_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "s3/base/printable.h"

namespace pipeline {
namespace {

constexpr std::size_t kBlockBytes = 64 << 10;
// How long a wait for the writer of a FIFO lasts before it looks whether the run stops.
constexpr int kPollMs = 100;

std::pair<time_t, std::int64_t> MtimeOf(const struct stat& status) {
  return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

}  // namespace

NameReader::NameReader(Read read, char separator)
    : read_(std::move(read)), separator_(separator), block_(kBlockBytes) {}

s3::Result<std::optional<ListedName>> NameReader::Next() {
  ListedName listed{.number = number_ + 1};
  for (bool has_begun = false;; has_begun = true) {
    if (begin_ == end_) {
      const auto got = read_(block_);
      if (!got) return tl::unexpected(got.error());
      begin_ = 0;
      end_ = *got;
      if (*got == 0 && !has_begun) return std::optional<ListedName>();
      if (*got == 0) break;
    }
    const std::string_view rest(block_.data() + begin_, end_ - begin_);
    const auto length = std::min(rest.find(separator_), rest.size());
    const auto room = kMaxNameBytes - listed.name.size();
    listed.is_cut = listed.is_cut || length > room;
    listed.name.append(rest.substr(0, std::min(length, room)));
    begin_ += length;
    if (length < rest.size()) {
      ++begin_;
      break;
    }
  }
  ++number_;
  return std::optional(std::move(listed));
}

struct NameList::File {
  s3::UniqueFd fd;
  struct stat opened = {};
  std::stop_token stop;
  bool interrupted = false;

  bool is_regular() const { return S_ISREG(opened.st_mode); }

  // Returns false after a stop.
  bool WaitForWriter() {
    pollfd waited{.fd = fd.get(), .events = POLLIN, .revents = 0};
    while (!stop.stop_requested()) {
      if (poll(&waited, 1, kPollMs) > 0) return true;
    }
    interrupted = true;
    return false;
  }

  s3::Result<std::size_t> Read(std::span<char> bytes) {
    for (;;) {
      if (!is_regular() && !WaitForWriter()) return 0;
      const auto got = RetrySystemCall([&] { return read(fd.get(), bytes.data(), bytes.size()); });
      if (got < 0 && errno == EAGAIN) continue;  // another process has read from the same FIFO
      if (got < 0) return s3::Fail(s3::ErrorKind::kLocal, ErrnoText(errno));
      if (got == 0 && is_regular()) return CheckUnchanged();
      return static_cast<std::size_t>(got);
    }
  }

  s3::Result<std::size_t> CheckUnchanged() const {
    struct stat now;
    if (fstat(fd.get(), &now) != 0) return s3::Fail(s3::ErrorKind::kLocal, ErrnoText(errno));
    if (now.st_size == opened.st_size && MtimeOf(now) == MtimeOf(opened)) return 0;
    return s3::Fail(s3::ErrorKind::kChanged,
                    "the list was changed while it was read, so names may be missing: run again when it is "
                    "complete");
  }
};

NameList::NameList(std::shared_ptr<File> file, char separator)
    : file_(std::move(file)),
      reader_([file = file_](std::span<char> bytes) { return file->Read(bytes); }, separator) {}

s3::Result<NameList> NameList::Open(const std::string& path, char separator, std::stop_token stop) {
  auto file = std::make_shared<File>(File{s3::UniqueFd(-1), {}, std::move(stop)});
  // Without O_NONBLOCK, open() would wait for the writer of a FIFO, and a stop could not end that wait.
  const auto open_list = [&path] {
    return path == "-" ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                       : open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  };
  file->fd = s3::UniqueFd(RetrySystemCall(open_list));
  if (file->fd.get() < 0 || fstat(file->fd.get(), &file->opened) != 0) {
    return s3::Fail(s3::ErrorKind::kLocal, ErrnoText(errno));
  }
  if (S_ISDIR(file->opened.st_mode)) return s3::Fail(s3::ErrorKind::kLocal, "it is a directory, not a list");
  return NameList(std::move(file), separator);
}

s3::Result<std::optional<ListedName>> NameList::Next() {
  auto next = reader_.Next();
  // The stop may have cut the name.
  return next && file_->interrupted ? std::optional<ListedName>() : next;
}

bool NameList::interrupted() const { return file_->interrupted; }

ListOf::ListOf(const SourceRoot& root)
    : path(root.files_from0.empty() ? root.files_from : root.files_from0),
      separator(root.files_from0.empty() ? '\n' : '\0') {}

std::string ListOf::Name() const { return path == "-" ? "standard input" : s3::Printable(path); }

std::string ListOf::Where(std::uint64_t number) const {
  return fmt::format("{} {} of {}", separator == '\n' ? "line" : "record", number, Name());
}

bool ListOf::CanBeReadAgain() const {
  struct stat status;
  return path != "-" && (stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode));
}

std::optional<std::string> ListProblem(const ListOf& list) {
  struct stat status;
  if (list.path == "-") return std::nullopt;
  if (RetrySystemCall([&] { return stat(list.path.c_str(), &status); }) != 0) {
    return fmt::format("the list {}: {}", list.Name(), ErrnoText(errno));
  }
  if (S_ISDIR(status.st_mode)) return fmt::format("{} is a directory, not a list of names", list.Name());
  // EPERM may also say that a seccomp filter forbids faccessat2; see RootProblem().
  if (faccessat(AT_FDCWD, list.path.c_str(), R_OK, AT_EACCESS) != 0 && errno != EPERM) {
    return fmt::format("the list {}: {}", list.Name(), ErrnoText(errno));
  }
  return std::nullopt;
}

tl::expected<std::string, std::string> PathBelowRoot(const ListedName& listed,
                                                     const std::vector<std::string>& roots) {
  const auto wrong = [](std::string what) { return tl::unexpected(std::move(what)); };
  std::string_view rest = listed.name;
  if (listed.is_cut) return wrong(fmt::format("the name is longer than {} bytes", kMaxNameBytes));
  if (rest.empty()) return wrong("the name is empty");
  if (rest.find('\0') != std::string_view::npos) {
    return wrong("the name has a NUL byte: a list whose names end with NUL is files_from0");
  }
  if (rest.starts_with('/')) {
    const auto root = std::find_if(roots.begin(), roots.end(), [&](const std::string& path) {
      return rest.starts_with(path) && (rest.size() == path.size() || rest[path.size()] == '/');
    });
    if (root == roots.end()) {
      return wrong("the name is absolute and not below source[].path: names are relative to that directory");
    }
    rest.remove_prefix(root->size());
  }
  std::string path;
  while (!rest.empty()) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return wrong("the name has the part '..', which could lead out of the root");
    path += path.empty() ? "" : "/";
    path += part;
  }
  if (path.empty()) return wrong("the name is that of the root itself: list the files below it");
  return path;
}

}  // namespace pipeline

#include "pipeline/source/file_counter.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "pipeline/fs/directory.h"
#include "pipeline/fs/io_retry.h"
#include "pipeline/source/name_list.h"
#include "pipeline/source/source_filters.h"
#include "s3/base/unique_fd.h"

namespace pipeline {
namespace {

// Returns true if the name of a file is not enough to know whether it is an input.
bool FiltersByStatus(const SourceRoot& root) {
  return root.min_size_bytes || root.max_size_bytes || !root.newer_than.text.empty() ||
         !root.older_than.text.empty();
}

constexpr int kOpenFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;

class FileCounter {
 public:
  explicit FileCounter(const std::function<bool()>& stop) : stop_(stop) {}

  // Returns false if the count was given up.
  bool Count(const SourceRoot& root) {
    root_ = &root;
    if (const ListOf list(root); list) return CountNames(list);
    if (!Enter(AT_FDCWD, root.path.c_str(), "")) CountRootFile();
    while (!levels_.empty() && !gave_up_ && !stop_()) Step();
    return !gave_up_ && levels_.empty();
  }
  Work Total() const {
    if (sizes_ == 0 || has_list_) return {files_, 0};
    const double mean = static_cast<double>(bytes_) / static_cast<double>(sizes_);
    return {files_, bytes_ + static_cast<std::uint64_t>(mean * static_cast<double>(files_ - sizes_))};
  }

 private:
  struct Level {
    DirectoryReader reader;
    std::string relative;  // "" or ending in '/'
  };

  bool Enter(int parent, const char* name, std::string relative) {
    const int nofollow = parent == AT_FDCWD ? 0 : O_NOFOLLOW;
    s3::UniqueFd opened(RetrySystemCall([&] { return openat(parent, name, kOpenFlags | nofollow); }));
    if (opened.get() < 0) {
      gave_up_ = gave_up_ || errno == EMFILE || errno == ENFILE;
      return false;
    }
    gave_up_ = gave_up_ || levels_.size() == kMaxLevels;
    const auto is_cache = ExcludesCache(*root_, opened.get());
    gave_up_ = gave_up_ || !is_cache;
    if (is_cache.value_or(false)) return true;
    levels_.push_back({DirectoryReader(std::move(opened)), std::move(relative)});
    return true;
  }

  // The sizes of listed files are not asked for, because that would cost as much as the walk itself.
  bool CountNames(const ListOf& list) {
    has_list_ = true;
    if (!list.CanBeReadAgain()) return false;
    auto names = NameList::Open(list.path, list.separator);
    if (!names) return false;
    for (auto name = names->Next(); !stop_(); name = names->Next()) {
      if (!name) return false;
      if (!*name) return true;
      if (!(*name)->name.empty()) ++files_;
    }
    return false;
  }

  void CountRootFile() {
    const std::string_view path = root_->path;
    struct stat status;
    if (ExcludesFile(*root_, path.substr(path.rfind('/') + 1))) return;
    const bool found = fstatat(AT_FDCWD, root_->path.c_str(), &status, 0) == 0;
    CountFile(found ? &status : nullptr);
  }

  void Step() {
    auto& level = levels_.back();
    const char* const name = level.reader.Next();
    if (name == nullptr) return levels_.pop_back();
    const auto relative = level.relative + name;
    const auto type = level.reader.type();
    const int parent = level.reader.fd();
    // If the file system does not tell the type of an entry (DT_UNKNOWN), fstatat() tells it.
    struct stat status;
    const bool has_size_to_ask =
        type != DT_DIR && sizes_ + filtered_ < kMaxSizes && !ExcludesFile(*root_, relative);
    const bool asks = type == DT_UNKNOWN || has_size_to_ask;
    if (type == DT_UNKNOWN) gave_up_ = gave_up_ || ++unknown_types_ > kMaxSizes;
    const bool found = asks && fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    const bool is_directory = type == DT_DIR || (type == DT_UNKNOWN && found && S_ISDIR(status.st_mode));
    if (!is_directory) {
      if (!ExcludesFile(*root_, relative)) CountFile(found ? &status : nullptr);
    } else if (!ExcludesDirectory(*root_, relative) && !Enter(parent, name, relative + "/")) {
      ++files_;
    }
  }

  // `status`: null if it is not known.
  void CountFile(const struct stat* status) {
    const bool is_regular = status != nullptr && S_ISREG(status->st_mode);
    if (is_regular && ExcludesStatus(*root_, *status)) {
      ++filtered_;
      return;
    }
    gave_up_ = gave_up_ || (status == nullptr && FiltersByStatus(*root_));
    ++files_;
    if (status == nullptr || sizes_ == kMaxSizes) return;
    ++sizes_;
    if (is_regular) bytes_ += static_cast<std::uint64_t>(status->st_size);
  }

  const std::function<bool()>& stop_;
  const SourceRoot* root_ = nullptr;
  std::vector<Level> levels_;  // the outermost directory comes first
  std::uint64_t files_ = 0, sizes_ = 0, bytes_ = 0, unknown_types_ = 0;
  std::uint64_t filtered_ = 0;  // files that a filter for sizes or times leaves out
  bool gave_up_ = false;
  bool has_list_ = false;
};

}  // namespace

std::optional<Work> CountFiles(const std::vector<SourceRoot>& roots, const std::function<bool()>& stop) {
  FileCounter counter(stop);
  for (const auto& root : roots) {
    if (stop() || !counter.Count(root)) return std::nullopt;
  }
  return counter.Total();
}

}  // namespace pipeline

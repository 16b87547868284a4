#include "pipeline/source/list_walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "pipeline/fs/io_retry.h"
#include "pipeline/source/source_filters.h"
#include "pipeline/source/source_roots.h"

namespace pipeline {
namespace {

constexpr const char* kRepeated = "the list names it more than once (its first mention counts)";

// Returns the paths by which an absolute name may mean the root: as the job writes it, and without links.
std::vector<std::string> AbsolutePaths(const std::string& root) {
  std::error_code problem;
  std::vector<std::string> paths;
  const auto add = [&paths](std::string path) {
    while (path.ends_with('/') || path.ends_with("/.")) path.pop_back();
    paths.push_back(std::move(path));  // empty for "/"
  };
  const auto directory = std::filesystem::current_path(problem).string();
  if (!problem) add(PathIn(directory, root));
  const auto real = std::filesystem::canonical(root, problem).string();
  if (!problem) add(real);
  return paths;
}

// Returns false with errno if there is no such entry. Does not retry ENOENT, because most of the missing
// names of a list stay missing, and a list may have many.
bool Look(int directory, const std::string& name, int flags, struct stat* status) {
  const auto look = [&] { return fstatat(directory, name.c_str(), status, flags); };
  return look() == 0 || (errno != ENOENT && RetrySystemCall(look) == 0);
}

}  // namespace

ListWalk::ListWalk(RootInputs inputs, s3::UniqueFd directory, std::stop_token stop)
    : inputs_(std::move(inputs)),
      stop_(std::move(stop)),
      source_(inputs_.root()),
      absolute_roots_(AbsolutePaths(inputs_.root().path)) {
  const auto is_cache = ExcludesCache(inputs_.root(), directory.get());
  levels_.push_back({"", std::move(directory), is_cache.value_or(false)});
  if (!is_cache) levels_.back().problem = is_cache.error().message;
}

bool ListWalk::Step(std::optional<Input>* found) {
  if (ended_) return false;
  if (!list_) {
    auto opened = NameList::Open(source_.path, source_.separator, stop_);
    if (!opened) {
      ended_ = true;
      *found = Unreadable(opened.error());
      return true;
    }
    list_ = std::move(*opened);
  }
  const auto next = list_->Next();
  ended_ = !next || !*next;
  if (!next) *found = Unreadable(next.error());
  if (!ended_) {
    names_ = (*next)->number;
    *found = Visit(**next);
  }
  return !next || *next;
}

std::optional<Input> ListWalk::Visit(const ListedName& listed) {
  const bool is_empty_line = source_.separator == '\n' && listed.name.empty();
  if (is_empty_line) return std::nullopt;
  const auto relative = PathBelowRoot(listed, absolute_roots_);
  if (!relative) return Invalid(listed, relative.error());
  const bool is_first = inputs_.listed().Insert(*relative);
  auto found = VisitPath(listed, *relative);
  return found && !is_first ? Repeated(listed, *relative) : found;
}

std::optional<Input> ListWalk::VisitPath(const ListedName& listed, const std::string& relative) {
  if (auto failed = Enter(listed, relative)) return failed;
  if (!levels_.back().problem.empty()) return Failed(listed, relative, levels_.back().problem);
  if (levels_.back().is_left_out) return std::nullopt;
  if (levels_.back().is_own) return inputs_.Skipped(relative, kOwnDirectory);
  return VisitEntry(listed, relative);
}

std::optional<Input> ListWalk::Enter(const ListedName& listed, const std::string& relative) {
  while (!relative.starts_with(levels_.back().relative)) levels_.pop_back();
  for (;;) {
    const auto& parent = levels_.back();
    const auto begin = parent.relative.size();
    const auto slash = relative.find('/', begin);
    if (slash == std::string::npos || parent.is_left_out || parent.is_own) return std::nullopt;
    const auto name = relative.substr(begin, slash - begin);
    Level level{relative.substr(0, slash + 1), s3::UniqueFd(-1)};
    if (ExcludesDirectory(inputs_.root(), relative.substr(0, slash))) {
      level.is_left_out = true;
      levels_.push_back(std::move(level));
      return std::nullopt;
    }
    const bool follows = inputs_.root().follow_symlinks;
    struct stat status;
    if (!Look(parent.fd.get(), name, follows ? 0 : AT_SYMLINK_NOFOLLOW, &status)) {
      return Failed(listed, relative, ErrnoText(errno));
    }
    if (S_ISLNK(status.st_mode)) {
      return Failed(listed, relative,
                    "a part of its path is a symbolic link, which is not followed (follow_symlinks is off)");
    }
    level.fd = OpenDirectory(parent.fd.get(), name.c_str(), follows);
    if (level.fd.get() < 0) return Failed(listed, relative, ErrnoText(errno));
    const auto is_cache = ExcludesCache(inputs_.root(), level.fd.get());
    if (!is_cache) return Failed(listed, relative, is_cache.error().message);
    level.is_left_out = *is_cache;
    const auto is_run = IsRunDirectory(level.fd.get());
    if (!is_run) return Failed(listed, relative, is_run.error().message);
    const bool known = fstat(level.fd.get(), &status) == 0;
    level.is_own = (known && inputs_.IsOwn(status)) || *is_run;
    levels_.push_back(std::move(level));
  }
}

std::optional<Input> ListWalk::VisitEntry(const ListedName& listed, const std::string& relative) {
  if (ExcludesFile(inputs_.root(), relative)) return std::nullopt;
  const auto& level = levels_.back();
  const auto name = relative.substr(level.relative.size());
  struct stat status;
  const int directory = level.fd.get();
  if (!Look(directory, name, AT_SYMLINK_NOFOLLOW, &status)) return Failed(listed, relative, ErrnoText(errno));
  if (S_ISLNK(status.st_mode)) {
    if (!inputs_.root().follow_symlinks) {
      return inputs_.Skipped(relative, "a symbolic link (follow_symlinks is off)");
    }
    if (!Look(directory, name, 0, &status))
      return Failed(listed, relative, "cannot follow the symbolic link: " + ErrnoText(errno));
  }
  if (S_ISDIR(status.st_mode)) {
    if (ExcludesDirectory(inputs_.root(), relative)) return std::nullopt;
    return Failed(listed, relative, "is a directory: a list names files, so list the files below it");
  }
  if (!S_ISREG(status.st_mode)) return inputs_.Skipped(relative, SpecialFileName(status.st_mode));
  return inputs_.File(relative, status);
}

Input ListWalk::Unreadable(const s3::Error& error) const {
  auto result = inputs_.Failed("", error.kind,
                               fmt::format("cannot read the list {} beyond {} {}: {}", source_.Name(), names_,
                                           source_.separator == '\n' ? "lines" : "records", error.message));
  result.hides_inputs = true;
  return result;
}

Input ListWalk::Invalid(const ListedName& listed, const std::string& what) const {
  auto result = inputs_.Failed("", s3::ErrorKind::kUnsupported,
                               fmt::format("{} ({})", what, source_.Where(listed.number)));
  const auto path = listed.name.starts_with('/') ? listed.name : inputs_.PathOf(listed.name);
  return AtItsPlace(listed, path, inputs_.KeyOf(listed.name), std::move(result));
}

Input ListWalk::Repeated(const ListedName& listed, const std::string& relative) const {
  return AtItsPlace(listed, inputs_.PathOf(relative), inputs_.KeyOf(relative),
                    inputs_.Skipped(relative, kRepeated));
}

// The recorded key has the name's place in the list. It is no object's key, and no two inputs share it.
Input ListWalk::AtItsPlace(const ListedName& listed, const std::string& path, const std::string& key,
                           ObjectResult result) const {
  InputFile file{path, fmt::format("{} ({})", key, source_.Where(listed.number))};
  result.file = std::make_shared<const InputFile>(std::move(file));
  return result;
}

Input ListWalk::Failed(const ListedName& listed, const std::string& relative, const std::string& what) const {
  const char* const hint = relative.ends_with('\r')
                               ? "; the name ends with a carriage return, so the list may have "
                                 "the line ends of Windows"
                               : "";
  return inputs_.Failed(relative, s3::ErrorKind::kLocal,
                        fmt::format("{} ({}){}", what, source_.Where(listed.number), hint));
}

}  // namespace pipeline

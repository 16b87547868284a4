// The directories that hold s3flow's records (of a run, of a plan), and the files in them. Anybody may have
// put something into such a directory. So it is opened once, and all else by its name in the open directory:
// never through a symbolic link, never blocking, and only what is ours. Any thread.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/options.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// Ours is what this user or root owns and nobody else may write to. With Trust::kOthers the directory's owner
// may own what is in it, too, and others may write to all of it. Root is no exception: other users' records
// are not root's. What this process has made is ours, whatever a file system without modes says of it.
//
// `name` is below the directory: "journal.jsonl", "manifests/00003". Errors are kLocal and name the path,
// what is wrong, and what to do.
class OwnDir {
 public:
  // The directory that `path` names, through links, too: whoever names it means it. Refuses one that is not
  // ours.
  static s3::Result<OwnDir> Open(const std::string& path, Trust trust = Trust::kOurs);
  // The same, and makes it with its parents when it is not there. Only the user may write to what it makes.
  static s3::Result<OwnDir> Make(const std::string& path, Trust trust = Trust::kOurs);
  // The directory of a file that is named by its path. The directory itself may be anybody's.
  static s3::Result<OwnDir> Around(const std::string& file_path, Trust trust);

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view name) const;
  int fd() const { return fd_->get(); }

  // For reading. Nothing when there is no such file.
  s3::Result<std::optional<s3::UniqueFd>> Find(const std::string& name) const;
  // For reading; an error when there is no such file.
  s3::Result<s3::UniqueFd> Read(const std::string& name) const;
  // All of it; an error when it has more than `most_bytes`.
  s3::Result<std::string> Text(const std::string& name, std::size_t most_bytes) const;
  // For appending and reading; made when it is not there. A file with a second name (a hard link) is refused.
  s3::Result<s3::UniqueFd> Append(const std::string& name, mode_t mode) const;
  // A new file, for appending; an error when anything has that name.
  s3::Result<s3::UniqueFd> Create(const std::string& name, mode_t mode) const;
  // Puts a file with this text in the place of the one that has the name. Readers see the old or the new one,
  // whole.
  s3::Result<void> Write(const std::string& name, std::string_view text, mode_t mode) const;

  // True when anything has that name, a link that leads nowhere, too.
  bool Has(const std::string& name) const;
  void Remove(const std::string& name) const;
  // Without "." and "..".
  s3::Result<std::vector<std::string>> Names() const;

  // Nothing when there is no such directory.
  s3::Result<std::optional<OwnDir>> FindDir(const std::string& name) const;
  // Made when it is not there.
  s3::Result<OwnDir> MakeDir(const std::string& name) const;
  // As MakeDir, and removes the files in it, whose names are numbers. An error when anything else is in it.
  s3::Result<OwnDir> MakeEmptyDir(const std::string& name) const;

 private:
  OwnDir(std::string path, s3::UniqueFd fd, Trust trust, uid_t owner);
  static s3::Result<OwnDir> OpenAs(const std::string& path, Trust trust, bool made, bool judged);
  s3::Result<std::optional<s3::UniqueFd>> OpenFile(const std::string& name, int flags) const;
  s3::Result<std::optional<OwnDir>> Enter(const std::string& name, bool made) const;
  // Why this must not be used as a `type` (S_IFREG, S_IFDIR); null when it may be.
  std::optional<s3::Error> Objection(const std::string& path, const struct stat& status, mode_t type,
                                     bool to_write) const;

  std::string path_;
  std::shared_ptr<const s3::UniqueFd> fd_;
  Trust trust_;
  uid_t owner_;  // of the directory that was opened first, and that trust_ is about
};

// The part behind the last slash.
std::string NameOf(const std::string& path);

}  // namespace pipeline

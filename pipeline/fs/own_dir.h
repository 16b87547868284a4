// Opens the directories that hold s3flow's records (of a run or a plan) and the files in them. Other users
// may have put harmful entries into such a directory. Therefore the directory is opened once. Each entry is
// opened relative to the open directory, without following symbolic links, without blocking, and only if the
// entry is trusted. Any thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/options.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// A file or directory is trusted if this user or root owns it and nobody else may write to it.
// Trust::kOthers is less strict: it also trusts entries of the directory's owner, and it does not check who
// may write to an entry. A process that runs as root follows the same rules. Otherwise any user could make it
// read and upload files that only root may read. Some file systems have no modes. Therefore a directory that
// this process has just created and owns is trusted with any mode.
//
// `name` is relative to the directory: "journal.jsonl", "manifests/00003". Errors are kLocal. Their message
// names the path, the problem and a remedy.
//
//   auto directory = OwnDir::Make("run");
//   auto journal = directory->Append("journal.jsonl", 0600);  // a descriptor
//   auto summary = directory->Write("summary.json", text, 0644);
class OwnDir {
 public:
  // kSynced: the content is on the disk when the call returns. kUnsynced: after a loss of power, the file may
  // have its old content or none.
  enum class Durability { kSynced, kUnsynced };

  // Opens the directory that `path` names. Follows symbolic links in the path, because the user named the
  // path. Fails if the directory is not trusted.
  static s3::Result<OwnDir> Open(const std::string& path, Trust trust = Trust::kOurs);
  // The same, but makes the directory and its parents when they are missing. The directory gets mode 0755.
  static s3::Result<OwnDir> Make(const std::string& path, Trust trust = Trust::kOurs);
  // Opens the directory that contains the file. The directory itself need not be trusted, but each file in it
  // is opened only if it is trusted.
  static s3::Result<OwnDir> Around(const std::string& file_path, Trust trust);

  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view name) const;
  int fd() const { return fd_->get(); }

  // Opens a file for reading. Returns nothing when there is no such file.
  s3::Result<std::optional<s3::UniqueFd>> Find(const std::string& name) const;
  // Opens a file for reading. Fails when there is no such file.
  s3::Result<s3::UniqueFd> Read(const std::string& name) const;
  // Returns the content of a file. Fails when it is longer than `max_bytes`.
  s3::Result<std::string> Text(const std::string& name, std::size_t max_bytes) const;
  // Opens a file for appending and reading; makes it when it is missing. If the file has a second name (a
  // hard link), fails, because appending would change the file under its other name, too.
  s3::Result<s3::UniqueFd> Append(const std::string& name, mode_t mode) const;
  // Makes a new file and opens it for appending. Fails when any file, directory or link has that name.
  s3::Result<s3::UniqueFd> Create(const std::string& name, mode_t mode) const;
  // Replaces a file atomically, by a rename of NAME.new. So readers see either the whole old content or the
  // whole new content.
  s3::Result<void> Write(const std::string& name, std::string_view text, mode_t mode,
                         Durability durability = Durability::kSynced) const;

  // Returns the time by the clock of the file system, which may be the clock of another machine, in seconds
  // since 1970. Makes and removes a file. If this user may make no file here, returns the local time.
  std::int64_t FileSystemTime() const;

  // Returns true when any file, directory or link has that name, even a dangling link.
  bool Has(const std::string& name) const;
  void Remove(const std::string& name) const;
  // Returns the names in the directory, without "." and "..".
  s3::Result<std::vector<std::string>> Names() const;

  // Opens a directory. Returns nothing when there is no such directory.
  s3::Result<std::optional<OwnDir>> FindDir(const std::string& name) const;
  // Opens a directory; makes it when it is missing.
  s3::Result<OwnDir> MakeDir(const std::string& name) const;
  // Like MakeDir(), but removes the files in it whose names are numbers. Fails when the directory has any
  // other entry.
  s3::Result<OwnDir> MakeEmptyDir(const std::string& name) const;

 private:
  OwnDir(std::string path, s3::UniqueFd fd, Trust trust, uid_t owner);
  static s3::Result<OwnDir> OpenAs(const std::string& path, Trust trust, bool made, bool checked);
  s3::Result<std::optional<s3::UniqueFd>> OpenFile(const std::string& name, int flags) const;
  s3::Result<std::optional<OwnDir>> Enter(const std::string& name, bool made) const;
  // Returns why the file or directory with this `status` must not be used as a `type` (S_IFREG or S_IFDIR).
  // Returns nothing when it may be used. `path` is for the message.
  std::optional<s3::Error> FindProblem(const std::string& path, const struct stat& status, mode_t type,
                                       bool to_write) const;

  std::string path_;
  std::shared_ptr<const s3::UniqueFd> fd_;
  Trust trust_;
  uid_t owner_;  // who owns the directory that was opened by its path; Trust::kOthers trusts this user
};

// Returns the part after the last slash.
std::string NameOf(const std::string& path);
// Returns `path` as it is if the working directory has been removed.
std::string AbsolutePath(const std::string& path);

}  // namespace pipeline

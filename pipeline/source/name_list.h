// Reads the names of a list: source[].files_from, files_from0, and the files of globs.
//
//   auto list = NameList::Open("names.txt", '\n', stop);
//   for (auto name = list->Next(); name && *name; name = list->Next()) use(**name);
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "pipeline/options.h"
#include "s3/base/result.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// Linux refuses longer paths (PATH_MAX, which counts the NUL).
inline constexpr std::size_t kMaxNameBytes = 4095;

struct ListedName {
  std::uint64_t number = 0;  // of its line or record, from 1
  std::string name;          // at most kMaxNameBytes bytes; may be empty
  bool is_cut = false;       // the list's name is longer
};

// Splits bytes into names. The last name may lack its separator. Memory: one block and one name, whatever the
// bytes are. Not thread-safe.
class NameReader {
 public:
  // Fills a part of `bytes`, and returns its length; 0 at the end.
  using Read = std::function<s3::Result<std::size_t>(std::span<char> bytes)>;
  NameReader(Read read, char separator);

  // Returns the next name, nothing at the end. Returns the error of `read`.
  s3::Result<std::optional<ListedName>> Next();

 private:
  Read read_;
  char separator_;
  std::vector<char> block_;
  std::size_t begin_ = 0, end_ = 0;  // the part of `block_` that is not used yet
  std::uint64_t number_ = 0;
};

// A list in a file, a FIFO or standard input. Not thread-safe.
class NameList {
 public:
  // `path`: "-" is standard input. When `stop` is requested, a wait for the writer of a FIFO ends. Fails with
  // kLocal if the list cannot be opened, or is a directory.
  static s3::Result<NameList> Open(const std::string& path, char separator, std::stop_token stop = {});

  // Returns the next name. Returns nothing at the end, and after a stop (see interrupted()). Blocks. Fails
  // with kLocal if the list cannot be read, and with kChanged if a list in a file has been written to
  // since it was opened, because then names may be missing.
  s3::Result<std::optional<ListedName>> Next();
  // Returns true if Next() returned nothing because of the stop.
  bool interrupted() const;

 private:
  struct File;
  NameList(std::shared_ptr<File> file, char separator);

  std::shared_ptr<File> file_;
  NameReader reader_;
};

// The list of a root, or no list.
struct ListOf {
  explicit ListOf(const SourceRoot& root);
  std::string path;       // "-": standard input; empty: the root has no list
  char separator = '\n';  // '\0' for files_from0
  explicit operator bool() const { return !path.empty(); }
  // Returns the list and the number of a name in words: "line 7 of names.txt".
  std::string Where(std::uint64_t number) const;
  // Returns the name of the list for messages.
  std::string Name() const;
  // Returns false for standard input and FIFOs, whose names are gone when they were read.
  bool CanBeReadAgain() const;
};

// Returns why the list cannot be read, nothing if it seems to be readable. Reads nothing.
std::optional<std::string> ListProblem(const ListOf& list);

// Returns a listed name as a path below the root, without parts that are "." or empty. Returns what is wrong
// with a name that is no path below the root: it is empty, too long, has "..", or is absolute. But an
// absolute name below one of `roots` is right; these are absolute paths of the root. Pure.
tl::expected<std::string, std::string> PathBelowRoot(const ListedName& listed,
                                                     const std::vector<std::string>& roots);

}  // namespace pipeline

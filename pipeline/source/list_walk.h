// Visits the names of a list below a root's directory, in the order of the list.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/message.h"
#include "pipeline/source/name_list.h"
#include "pipeline/source/root_inputs.h"
#include "s3/base/unique_fd.h"

namespace pipeline {

// Yields one input for each name that no filter leaves out: a file, or a result that says why the name can't
// be uploaded. Opens directories only, one for each part of the present name, and follows no link unless the
// root says so. If the list cannot be read to its end, the last input is a failure that says so. Memory: that
// of RootInputs::listed(). Not thread-safe.
class ListWalk {
 public:
  // `inputs` must have begun with a root that has a list. `directory`: the root's directory.
  ListWalk(RootInputs inputs, s3::UniqueFd directory, std::stop_token stop);

  // Visits one more name, and sets `found` if it is an input. Returns false at the end of the list, or after
  // a stop.
  bool Step(std::optional<Input>* found);
  // Returns true if the list was not read to its end because of the stop.
  bool interrupted() const { return list_ && list_->interrupted(); }

 private:
  // A directory on the way to the present name. What it says holds for all names below it.
  struct Level {
    std::string relative;  // "" or ending in '/'
    s3::UniqueFd fd;
    bool is_left_out = false;  // by `exclude` or `exclude_caches`
    bool is_own = false;       // of a run or plan
    std::string problem;       // why it is not known whether exclude_caches leaves it out; only of the root
  };

  std::optional<Input> Visit(const ListedName& listed);
  std::optional<Input> VisitPath(const ListedName& listed, const std::string& relative);
  std::optional<Input> VisitEntry(const ListedName& listed, const std::string& relative);
  // Opens the directories of the path. Returns a failure, or nothing.
  std::optional<Input> Enter(const ListedName& listed, const std::string& relative);
  Input Unreadable(const s3::Error& error) const;
  Input Invalid(const ListedName& listed, const std::string& what) const;
  Input Repeated(const ListedName& listed, const std::string& relative) const;
  Input AtItsPlace(const ListedName& listed, const std::string& path, const std::string& key,
                   ObjectResult result) const;
  Input Failed(const ListedName& listed, const std::string& relative, const std::string& what) const;

  RootInputs inputs_;
  const std::stop_token stop_;
  const ListOf source_;
  const std::vector<std::string> absolute_roots_;  // what absolute names may begin with
  std::optional<NameList> list_;                   // nothing until the first step
  std::uint64_t names_ = 0;                        // names read so far
  bool ended_ = false;
  std::vector<Level> levels_;  // the root comes first
};

}  // namespace pipeline

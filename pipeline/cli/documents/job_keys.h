// The keys that --set takes, for the completion of the shells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct JobKey {
  std::string name;                  // "upload.part_size"
  std::vector<std::string> choices;  // all values that are accepted; empty: any
};

// Returns all keys of a job but those of `source`, a list, which --set cannot address.
std::vector<JobKey> JobKeys();

// Returns the values that a key's type lists: "keep | drop" has two. Returns none for any other type.
std::vector<std::string> ChoicesOfType(std::string_view type);

}  // namespace cli

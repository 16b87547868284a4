// The texts of `s3flow help TOPIC`: topics, and the sections and keys of the job file. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct Topic {
  std::string_view name;
  std::string_view summary;  // one line
};

std::vector<Topic> Topics();

// Returns the text of a topic, of a section ("upload"), or of a key ("upload.part_size", "source.path", or
// the key alone if only one section has it). Returns nothing for another name.
std::optional<std::string> TopicText(std::string_view name);

// Returns the names of the job file's sections, "source" first.
std::vector<std::string> Sections();

// Returns every name that TopicText() knows, for "did you mean".
std::vector<std::string> TopicNames();

}  // namespace cli

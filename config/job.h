// Reads a job file into option values, and shows option values as a job file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/fallbacks.h"
#include "config/object_fields.h"
#include "pipeline/options.h"
#include "s3/options.h"

namespace config {

struct Job {
  pipeline::Options pipeline;
  s3::Options s3;
  std::vector<FromEnvironment> from_environment;  // in the section `object`
  // The position of each given value, by key: "upload.threads", "source.0.path". Defaults have no entry.
  std::map<std::string, std::string, std::less<>> sources;
  std::vector<std::string> notes;  // about settings that were found but are not used
};

// Parses the text of a job file. `overrides` are the texts of --set ("upload.concurrency=8",
// "source.0.path=data"). They are applied before the values are checked. `find` returns values for keys that
// neither the text nor --set sets; it may be null. `name` is the file's name, for messages.
Loaded<Job> ParseJob(std::string_view text, const std::string& name,
                     const std::vector<std::string>& overrides, const s3::Environment& environment,
                     const FindFallbacks& find = nullptr);

// Returns all settings as YAML, including defaults, with secrets redacted. Object
// properties from the environment are shown as their variables. With `with_sources`, a comment after each
// value says where it was given.
std::string ShowJob(const Job& job, bool with_sources = false);
// Returns the settings that must be equal in all sessions of one run: destination, object properties,
// integrity. Hidden values are replaced by check digits. So if two jobs differ in a hidden value,
// ShowIdentity() returns different texts, except by chance (one in 65,536).
std::string ShowIdentity(const Job& job);

// Returns every key as "section.name" and "source[].name".
std::vector<std::string> AllKeys();

// Returns one line "where: what" for each problem, without characters that control a terminal.
std::string FormatProblems(const std::vector<Problem>& problems);

}  // namespace config

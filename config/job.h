// A job file becomes option values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
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
  std::vector<FromEnvironment> from_environment;  // of the section `object`
  // Where values were given, by key: "upload.threads", "source.0.path". A default has no entry.
  std::map<std::string, std::string, std::less<>> sources;
  std::vector<std::string> notes;  // what was found and not used
};

// All mistakes at once, in the order of the file.
template <typename T>
using Loaded = tl::expected<T, std::vector<Problem>>;

// `overrides`: the texts of --set, "upload.concurrency=8" or "source.0.path=data", applied to the
// file before it is checked. `find` has values for what both leave out; null for none.
Loaded<Job> ParseJob(std::string_view text, const std::string& name,
                     const std::vector<std::string>& overrides, const s3::Environment& environment,
                     const FindFallbacks& find = nullptr);

// Reads the file; that it cannot be read is a problem like the others.
Loaded<Job> LoadJob(const std::string& path, const std::vector<std::string>& overrides,
                    const s3::Environment& environment, const FindFallbacks& find = nullptr);

// The effective settings as YAML, defaults included, sizes in bytes, secrets redacted. Properties of objects
// that came out of the environment are shown as their variables. `with_sources`: a comment behind each says
// where it was given.
std::string ShowJob(const Job& job, bool with_sources = false);
// Those of them that say what goes where and how it is cut and checked: what two sessions of one run share.
// Hidden values have digits in their place, so that two texts differ when the values do.
std::string ShowIdentity(const Job& job);

// Every key as "section.name", and "source[].name".
std::vector<std::string> AllKeys();

// "where: what" a line, fit for a terminal.
std::string FormatProblems(const std::vector<Problem>& problems);

// The text of a file of at most 1 MiB; a directory, or a file that cannot be read, is a problem.
Loaded<std::string> ReadTextFile(const std::string& path);

}  // namespace config

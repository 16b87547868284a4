#include "pipeline/upload/property_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "s3/base/text.h"
#include "s3/glob.h"

namespace pipeline {
namespace {

constexpr const char* kUnknownType = "application/octet-stream";

// Returns the text after the last dot of the file name; nothing for "name" and ".profile".
std::string ExtensionOf(std::string_view path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? "" : s3::LowerCase(name.substr(dot + 1));
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view NextWord(std::string_view* line) {
  const auto begin = std::find_if_not(line->begin(), line->end(), IsSpace);
  const auto end = std::find_if(begin, line->end(), IsSpace);
  *line = {end, line->end()};
  return {begin, end};
}

}  // namespace

MimeTypes ParseMimeTypes(std::string_view text) {
  MimeTypes types;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const auto type = NextWord(&line);
    if (s3::HeaderValueProblem(type)) continue;
    for (auto extension = NextWord(&line); !extension.empty(); extension = NextWord(&line)) {
      types.emplace(s3::LowerCase(extension), type);
    }
  }
  return types;
}

s3::Result<PropertyRules> PropertyRules::Load(const ObjectOptions& options) {
  PropertyRules rules(options);
  std::ifstream file(options.mime_types, std::ios::binary);
  if (!file && options.mime_types != ObjectOptions::kSystemMimeTypes) {
    return s3::Fail(s3::ErrorKind::kLocal,
                    fmt::format("object.mime_types: {}: {}", options.mime_types, std::strerror(errno)));
  }
  std::ostringstream text;
  text << file.rdbuf();
  rules.types_ = ParseMimeTypes(text.view());
  return rules;
}

bool PropertyRules::AnyConditional() const {
  return s3::IsConditional(options_.properties) ||
         std::any_of(options_.rules.begin(), options_.rules.end(),
                     [](const auto& rule) { return s3::IsConditional(rule.properties); });
}

s3::ObjectProperties PropertyRules::PropertiesOf(const InputFile& file, const struct stat* status) const {
  auto properties = options_.properties;
  for (const auto& rule : options_.rules) {
    if (s3::GlobMatches(rule.match, file.relative())) properties.Apply(rule.properties);
  }
  if (file.embedded) properties.Apply(file.embedded->properties);
  if (properties.Find("content-type") == nullptr) {
    const auto type = types_.find(ExtensionOf(file.relative()));
    properties.Set("content-type", type == types_.end() ? kUnknownType : type->second);
  }
  if (options_.posix && status != nullptr) SetPosixMetadata(*status, &properties);
  return properties;
}

std::string PosixTime(const timespec& time) {
  __extension__ typedef __int128 Nanoseconds;  // 64 bits hold only the years 1677 to 2262
  return fmt::format("{}ns", static_cast<Nanoseconds>(time.tv_sec) * 1'000'000'000 + time.tv_nsec);
}

void SetPosixMetadata(const struct stat& status, s3::ObjectProperties* properties) {
  properties->Set("x-amz-meta-file-owner", fmt::format("{}", status.st_uid));
  properties->Set("x-amz-meta-file-group", fmt::format("{}", status.st_gid));
  properties->Set("x-amz-meta-file-permissions", fmt::format("{:07o}", status.st_mode));
  properties->Set("x-amz-meta-file-mtime", PosixTime(status.st_mtim));
  properties->Set("x-amz-meta-file-atime", PosixTime(status.st_atim));
}

}  // namespace pipeline

#include "config/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/object_fields.h"
#include "config/schema.h"
#include "config/special_fields.h"
#include "s3/base/printable.h"
#include "s3/stores/address.h"
#include "s3/stores/store_profiles.h"

namespace config {
namespace {

std::vector<std::string> SectionNames() {
  Job job;
  std::vector<std::string> names{"source"};
  for (const auto& section : JobSections(&job.s3, &job.pipeline)) names.push_back(section.name);
  return names;
}

// Returns the value with this key or index in `*value`, for --set. Creates a key that does not exist. Reports
// a problem and returns null if that is impossible.
Value* Descend(Value* value, const std::string& key, const std::string& where,
               std::vector<Problem>* problems) {
  if (value->kind == Value::Kind::kSequence) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error == std::errc() && end == key.data() + key.size() && index < value->items.size())
      return &value->items[index];
    problems->push_back({where, fmt::format("there is no entry '{}' in this list: it has {}, counted from 0",
                                            key, value->items.size())});
    return nullptr;
  }
  if (value->kind == Value::Kind::kScalar) {
    problems->push_back(
        {where,
         fmt::format("'{}' cannot be set: the value of the key before it is a text, not a mapping", key)});
    return nullptr;
  }
  value->kind = Value::Kind::kMapping;
  if (value->where.empty()) value->where = where;
  for (auto& entry : value->entries) {
    if (entry.key == key) return &entry.value;
  }
  Value fresh;
  fresh.where = where;
  value->entries.push_back({key, where, std::move(fresh)});
  return &value->entries.back().value;
}

Value ScalarOf(const std::string& given, const std::string& where, const s3::Environment& environment,
               std::vector<Problem>* problems) {
  Value value{.kind = Value::Kind::kScalar, .where = where};
  auto expanded = ExpandVariables(given, environment, where, problems);
  value.text = std::move(expanded.text);
  value.argument = std::move(expanded.literal);
  if (expanded.has_variables) value.written = given;
  return value;
}

void ApplyOverride(const std::string& text, const s3::Environment& environment, Value* root,
                   std::vector<Problem>* problems) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems->push_back({"--set", "write --set section.key=value"});
    return;
  }
  const auto path = text.substr(0, equals);
  const auto where = "--set " + path;
  Value* value = root;
  for (std::size_t begin = 0; value != nullptr && begin <= path.size();) {
    const auto end = std::min(path.find('.', begin), path.size());
    value = Descend(value, path.substr(begin, end - begin), where, problems);
    begin = end + 1;
  }
  if (value == nullptr) return;
  const auto given = text.substr(equals + 1);
  const auto list = SplitTextList(given);
  if (!list) {
    *value = ScalarOf(given, where, environment, problems);
    return;
  }
  *value = Value{.kind = Value::Kind::kSequence, .where = where, .argument = given};
  for (const auto& item : *list) value->items.push_back(ScalarOf(item, where, environment, problems));
}

void ReadSource(const Value& value, pipeline::Options* options, const std::vector<std::string>& elsewhere,
                std::vector<Problem>* problems) {
  const bool is_list = value.kind == Value::Kind::kSequence;
  if (!is_list || value.items.empty()) {
    problems->push_back({value.where, fmt::format("source: must be a list of entries ('- path: ...'), not {}",
                                                  is_list ? "an empty list" : KindName(value.kind))});
    return;
  }
  for (const auto& item : value.items) {
    pipeline::SourceRoot root;
    ReadFields(item, "source", SourceFields(&root), elsewhere, problems);
    if (item.kind == Value::Kind::kMapping) CheckRoot(item, root, options->source, problems);
    options->source.push_back(std::move(root));
  }
}

void CheckIntegrity(const Job& job, const std::string& section_where, const std::string& payload_where,
                    const std::string& trailer_where, std::vector<Problem>* problems) {
  using s3::ChecksumAlgorithm;
  using s3::PayloadMode;
  const auto integrity = s3::ResolveIntegrity(job.s3.integrity, job.s3.destination);
  const auto addresses = s3::ResolveBucket(job.s3.destination);
  if (auto problem = s3::IntegrityProblem(integrity, s3::ProfileOf(job.s3.destination))) {
    problems->push_back({section_where, "integrity: " + *problem});
  }
  const bool plain_http = addresses && addresses->front().endpoint.scheme == "http";
  if (integrity.payload == PayloadMode::kUnsigned && plain_http &&
      integrity.checksum == ChecksumAlgorithm::kNone) {
    problems->push_back(
        {payload_where,
         "integrity: payload: unsigned over http needs a checksum, because nothing else protects "
         "the bytes: set checksum"});
  }
  if (integrity.trailer && integrity.payload == PayloadMode::kSha256) {
    problems->push_back(
        {trailer_where, "integrity: checksum_as: trailer needs payload: streaming or unsigned"});
  }
  if (integrity.trailer &&
      (integrity.checksum == ChecksumAlgorithm::kNone || integrity.checksum == ChecksumAlgorithm::kMd5)) {
    problems->push_back(
        {trailer_where, "integrity: checksum_as: trailer needs checksum: crc32c, crc64nvme or sha256"});
  }
}

// Returns the sources of a section's fallbacks, for a message: " (region is from AWS_REGION)". Empty if the
// section has no fallback.
std::string Describe(const std::vector<Fallback>& used, std::string_view section) {
  std::string text;
  for (const auto& fallback : used) {
    if (!fallback.key.starts_with(section)) continue;
    text += fmt::format("{}{} is from {}", text.empty() ? " (" : ", ", fallback.key.substr(section.size()),
                        fallback.where);
  }
  return text.empty() ? "" : text + ")";
}

// Checks conditions that involve several values.
void CheckTogether(const Value& root, const Job& job, const std::vector<Fallback>& used,
                   std::vector<Problem>* problems) {
  const auto where = [&](std::string_view section, std::string_view key) {
    const auto* values = root.Find(section);
    if (values == nullptr) return root.where;
    const auto* value = values->Find(key);
    return value == nullptr ? values->where : value->where;
  };
  const auto& destination = job.s3.destination;
  const auto& credentials = job.s3.credentials;
  if (!destination.bucket.empty() && !s3::ResolveBucket(destination)) {
    problems->push_back({where("destination", "addressing"),
                         fmt::format("destination: {}{}", s3::ResolveBucket(destination).error().message,
                                     Describe(used, "destination."))});
  }
  if (credentials.access_key_id.empty() != credentials.secret_access_key.empty()) {
    problems->push_back(
        {where("credentials", ""), "credentials: access_key_id and secret_access_key must be set together"});
  }
  if (!credentials.session_token.empty() && credentials.access_key_id.empty()) {
    problems->push_back({where("credentials", "session_token"),
                         "credentials: session_token needs access_key_id and secret_access_key"});
  }
  if (!credentials.profile.empty() && !credentials.access_key_id.empty()) {
    problems->push_back({where("credentials", "profile"),
                         "credentials: profile and keys cannot be set together: remove one"});
  }
  const auto& tls = job.s3.transport.tls;
  if (tls.client_certificate.empty() && !tls.client_key.empty()) {
    problems->push_back(
        {where("destination", "client_key"), "destination: client_key needs client_certificate"});
  }
  CheckIntegrity(job, where("integrity", ""), where("integrity", "payload"),
                 where("integrity", "checksum_as"), problems);
  const auto& upload = job.pipeline.upload;
  if (upload.plan.part_bytes > upload.memory_bytes / 2) {
    problems->push_back(
        {where("limits", "memory"), "limits: memory must be at least twice upload.part_size"});
  }
  if (const auto* object = root.Find("object")) CheckObject(*object, job.pipeline.object, problems);
  if (job.s3.retry.cap < job.s3.retry.base_delay) {
    problems->push_back({where("retry", "cap"), "retry: cap must not be smaller than base_delay"});
  }
}

// Returns the job file's text for a key; empty if the key is absent.
std::string TextOf(const Value& root, std::string_view section, std::string_view key) {
  const auto* values = root.Find(section);
  const auto* value = values == nullptr ? nullptr : values->Find(key);
  return value == nullptr ? "" : value->text;
}

void ReadSection(const Entry& entry, const std::vector<Section>& sections,
                 const std::vector<std::string>& all_keys, pipeline::Options* options,
                 std::vector<Problem>* problems) {
  if (entry.key == "source") return ReadSource(entry.value, options, all_keys, problems);
  const auto section =
      std::find_if(sections.begin(), sections.end(), [&](const Section& s) { return s.name == entry.key; });
  if (section != sections.end()) {
    return ReadFields(entry.value, entry.key, section->fields, all_keys, problems);
  }
  auto candidates = SectionNames();
  candidates.insert(candidates.end(), all_keys.begin(), all_keys.end());
  problems->push_back(
      {entry.where, fmt::format("unknown section '{}'{}", entry.key, DidYouMean(entry.key, candidates))});
}

void CheckRequired(const Value& root, std::vector<Problem>* problems) {
  if (root.Find("source") == nullptr) {
    problems->push_back({root.where, "there is no section 'source': add one"});
  }
  const auto* destination = root.Find("destination");
  if (destination == nullptr) {
    problems->push_back({root.where, "there is no section 'destination': add one"});
  } else if (destination->kind == Value::Kind::kMapping && destination->Find("bucket") == nullptr) {
    problems->push_back({destination->where, "destination: there is no 'bucket': add one"});
  }
}

std::map<std::string, std::string, std::less<>> SourcesOf(const Value& root) {
  std::map<std::string, std::string, std::less<>> sources;
  for (const auto& section : root.entries) {
    for (const auto& entry : section.value.entries)
      sources[fmt::format("{}.{}", section.key, entry.key)] = entry.value.where;
    for (std::size_t i = 0; i < section.value.items.size(); ++i) {
      for (const auto& entry : section.value.items[i].entries)
        sources[fmt::format("{}.{}.{}", section.key, i, entry.key)] = entry.value.where;
    }
  }
  return sources;
}

}  // namespace

std::vector<std::string> AllKeys() {
  Job job;
  pipeline::SourceRoot root;
  std::vector<std::string> keys;
  for (const auto& field : SourceFields(&root)) keys.push_back("source[]." + field.name);
  for (const auto& section : JobSections(&job.s3, &job.pipeline)) {
    for (const auto& field : section.fields) keys.push_back(section.name + "." + field.name);
  }
  return keys;
}

Loaded<Job> ParseJob(std::string_view text, const std::string& name,
                     const std::vector<std::string>& overrides, const s3::Environment& environment,
                     const FindFallbacks& find) {
  auto [root, problems] = ParseDocument(text, name, environment);
  if (!problems.empty() && root.kind != Value::Kind::kMapping) return tl::unexpected(std::move(problems));
  if (root.kind != Value::Kind::kMapping) {
    problems.push_back(
        {root.where,
         fmt::format("a job file must be a mapping of sections (source:, destination:, ...), not {}",
                     KindName(root.kind))});
    return tl::unexpected(std::move(problems));
  }
  for (const auto& text_of_set : overrides) ApplyOverride(text_of_set, environment, &root, &problems);

  Job job;
  const auto* given = root.Find("destination");
  // If the job file sets no region, a region that the endpoint's host name or the store's profile fixes
  // overrides the region in AWS's settings.
  const bool open_region = given != nullptr && given->Find("region") == nullptr;
  std::vector<Fallback> used;
  if (find) used = ApplyFallbacks(find(TextOf(root, "credentials", "profile")), &root, &problems, &job.notes);
  job.sources = SourcesOf(root);
  const auto sections = JobSections(&job.s3, &job.pipeline);
  const auto elsewhere = AllKeys();
  for (const auto& entry : root.entries) ReadSection(entry, sections, elsewhere, &job.pipeline, &problems);
  CheckRequired(root, &problems);
  if (const auto* object = root.Find("object")) job.from_environment = ReadFromEnvironment(*object);
  auto& store = job.s3.destination;
  if (const auto region = s3::RegionOf(store); region && open_region) {
    store.region = *region;
    job.sources["destination.region"] = "the store's";
  }
  if (job.pipeline.resume.skip == pipeline::SkipMode::kIfNoneMatch) {
    job.pipeline.object.properties.Set("if-none-match", "*");
  }
  job.pipeline.upload.store_limits = s3::ProfileOf(store).limits;
  if (problems.empty()) CheckTogether(root, job, used, &problems);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return job;
}

namespace {

using Wanted = std::function<bool(std::string_view section, std::string_view field)>;
// Returns the comment that is printed after the value of a key.
using Comment = std::function<std::string(const std::string& key)>;

std::string Show(const Job& job, bool with_digits, const Wanted& wanted, const Comment& comment) {
  Job copy = job;  // JobSections needs options that are not const
  Hide(job.from_environment, &copy.pipeline.object);
  std::string text = "source:\n";
  for (std::size_t i = 0; i < copy.pipeline.source.size(); ++i) {
    std::string lead = "  - ";
    for (const auto& field : SourceFields(&copy.pipeline.source[i])) {
      text += fmt::format("{}{}: {}{}\n", std::exchange(lead, "    "), field.name, field.show(),
                          comment(fmt::format("source.{}.{}", i, field.name)));
    }
  }
  for (const auto& section : JobSections(&copy.s3, &copy.pipeline)) {
    std::string lines;
    for (const auto& field : section.fields) {
      if (!wanted(section.name, field.name)) continue;
      lines += fmt::format("  {}: {}{}\n", field.name, field.show(),
                           comment(fmt::format("{}.{}", section.name, field.name)));
    }
    if (!lines.empty()) text += fmt::format("{}:\n{}", section.name, lines);
  }
  return ShowVariables(job.from_environment, with_digits, std::move(text));
}

}  // namespace

std::string ShowJob(const Job& job, bool with_sources) {
  return Show(
      job, false, [](std::string_view, std::string_view) { return true; },
      [&](const std::string& key) -> std::string {
        if (!with_sources) return "";
        const auto source = job.sources.find(key);
        auto text = source == job.sources.end() ? "default" : s3::PrintableLine(source->second);
        const auto& destination = job.s3.destination;
        if (key == "destination.profile" && destination.profile == "auto") {
          text += fmt::format("; chosen: {}", s3::ProfileOf(destination).name);
        }
        return "  # " + text;
      });
}

std::string ShowIdentity(const Job& job) {
  const auto is_identity = [](std::string_view section, std::string_view field) {
    // The network path to the store may change from one session to the next, so these keys are not in the
    // identity.
    for (const auto* access :
         {"ca_file", "ca_directory", "client_certificate", "client_key", "proxy", "no_proxy"}) {
      if (field == access) return false;
    }
    return section == "destination" || section == "object" || section == "integrity";
  };
  return Show(job, true, is_identity, [](const std::string&) { return ""; });
}

std::string FormatProblems(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& [where, what] : problems) {
    text += s3::PrintableLine(fmt::format("{}: {}", where, what)) + "\n";
  }
  return text;
}

}  // namespace config

#include "pipeline/reports/report_lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <set>
#include <utility>

#include "pipeline/report/format.h"
#include "pipeline/source/source_roots.h"
#include "s3/hash/hash.h"

namespace pipeline {
namespace {

constexpr std::size_t kSha256Bytes = 32;

bool IsSha256Hex(std::string_view text) {
  return text.size() == 2 * kSha256Bytes && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
         });
}

// Quotes a field only if it needs that.
void AppendCsv(std::string_view field, std::string* record) {
  if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
    record->append(field);
    return;
  }
  *record += '"';
  for (const char c : field) {
    if (c == '"') *record += '"';
    *record += c;
  }
  *record += '"';
}

using FactsOf = std::function<SourceFacts(const RunRecords&)>;

// The sources of all runs, each once.
std::vector<std::string> RootsOf(const std::vector<RunRecords>& runs, const FactsOf& facts_of) {
  std::set<std::string> roots;
  for (const auto& run : runs) {
    for (auto root : facts_of(run).roots) {
      while (root.size() > 1 && root.ends_with('/')) root.pop_back();
      roots.insert(std::move(root));
    }
  }
  return {roots.begin(), roots.end()};
}

// Which upload of each key is the last one. Reads the journals.
class LastUploads {
 public:
  s3::Result<void> Read(const MergedResults& results) {
    std::uint64_t position = 0;
    auto read = results.ForEach([&](const RunRecords&, const ResultRecord& result, const ResultDetails&) {
      if (result.outcome == Outcome::kUploaded) uploads_.push_back({InputIdOf("", result.key), position++});
      return true;
    });
    std::sort(uploads_.begin(), uploads_.end());
    return read;
  }

  // `position`: of the upload among all uploads, from 0.
  bool IsLast(std::string_view key, std::uint64_t position) const {
    const auto next =
        std::upper_bound(uploads_.begin(), uploads_.end(), Upload{InputIdOf("", key), position});
    return next == uploads_.end() || next->first != InputIdOf("", key);
  }

 private:
  using Upload = std::pair<InputId, std::uint64_t>;
  std::vector<Upload> uploads_;
};

class ListWriter {
 public:
  ListWriter(const MergedResults& results, ListFormat format, const FactsOf& facts_of, ReportOutput* output)
      : results_(results), format_(format), facts_of_(facts_of), output_(output) {}

  // Reads what must be known before the first record.
  s3::Result<void> Prepare() {
    if (format_ == ListFormat::kCsv) output_->Append(CsvHeader());
    if (format_ == ListFormat::kSha256Sum) roots_ = RootsOf(results_.runs(), facts_of_);
    return format_ == ListFormat::kBagIt ? last_uploads_.Read(results_) : s3::Result<void>();
  }

  // Returns false if the output cannot be written.
  bool Write(const RunRecords& run, const ResultRecord& result, const ResultDetails& details) {
    switch (format_) {
      case ListFormat::kCsv: return output_->Append(CsvRecord(result, details));
      case ListFormat::kSha256Sum:
      case ListFormat::kBagIt: return WriteDigest(run, result, details);
      case ListFormat::kFailed:
      case ListFormat::kFailed0: return WriteFailed(run, result);
    }
    return true;
  }

  ListResult Result() const {
    ListResult list;
    const auto note = [&list](std::uint64_t count, const char* one, const char* many, const char* why) {
      if (count > 0) list.notes.push_back(fmt::format("{} {}", Counted(count, one, many), why));
    };
    note(in_parts_, "uploaded input is", "uploaded inputs are",
         "not in the list: sent in parts, so no SHA-256 of the whole object was computed");
    note(without_digest_, "uploaded input is", "uploaded inputs are",
         "not in the list: no SHA-256 was computed (integrity.payload: sha256 or integrity.checksum: sha256 "
         "does "
         "that)");
    note(streams_, "uploaded stream is", "uploaded streams are", "not in the list: a stream is no file");
    note(sent_, "range of parts is", "ranges of parts are",
         "not in the list: s3flow finish completes the object");
    note(not_uploaded_, "input is", "inputs are", "not in the list: skipped, failed or cancelled");
    note(replaced_, "upload is", "uploads are", "not in the list: a later one has the same key");
    note(with_newline_, "path is", "paths are", "not in the list, because of a newline: use -0");
    list.is_complete = in_parts_ + without_digest_ + sent_ + with_newline_ == 0;
    return list;
  }

 private:
  bool WriteDigest(const RunRecords& run, const ResultRecord& result, const ResultDetails& details) {
    if (result.outcome != Outcome::kUploaded) {
      ++(result.outcome == Outcome::kSent ? sent_ : not_uploaded_);
      return true;
    }
    const bool is_list_of_files = format_ == ListFormat::kSha256Sum;
    if (!is_list_of_files && !last_uploads_.IsLast(result.key, uploads_++)) {
      ++replaced_;
      return true;
    }
    const auto sha256 = Sha256Of(details);
    if (sha256.empty()) {
      ++(details.parts > 0 ? in_parts_ : without_digest_);
      return true;
    }
    if (is_list_of_files && details.is_stream) {
      ++streams_;
      return true;
    }
    if (is_list_of_files) return output_->Append(Sha256SumLine(sha256, RelativeTo(roots_, result.path)));
    auto key = result.key;
    const auto& prefix = PrefixOf(run);
    if (key.starts_with(prefix)) key.remove_prefix(prefix.size());
    return output_->Append(BagItLine(sha256, key));
  }

  bool WriteFailed(const RunRecords& run, const ResultRecord& result) {
    if (result.outcome != Outcome::kFailed) return true;
    const bool is_range = result.first_part > 0;
    if (is_range && !failed_ranges_.insert(InputIdOf(result.path, result.key)).second) return true;
    const char end = format_ == ListFormat::kFailed0 ? '\0' : '\n';
    if (result.path.find(end) != std::string_view::npos) {
      ++with_newline_;
      return true;
    }
    return output_->Append(AbsolutePathOf(run, result.path) + end);
  }

  // "-" is standard input, and no path.
  static std::string AbsolutePathOf(const RunRecords& run, std::string_view path) {
    const bool is_known = run.run && !run.run->directory.empty() && path != "-";
    return is_known ? PathIn(run.run->directory, std::string(path)) : std::string(path);
  }

  const std::string& PrefixOf(const RunRecords& run) {
    if (prefix_run_ != &run) {
      prefix_ = facts_of_(run).prefix;
      prefix_run_ = &run;
    }
    return prefix_;
  }

  const MergedResults& results_;
  const ListFormat format_;
  const FactsOf& facts_of_;
  ReportOutput* const output_;
  std::vector<std::string> roots_;  // of all runs; only for kSha256Sum
  const RunRecords* prefix_run_ = nullptr;
  std::string prefix_;        // of `prefix_run_`
  LastUploads last_uploads_;  // only for kBagIt
  std::uint64_t uploads_ = 0;
  std::set<InputId> failed_ranges_;
  std::uint64_t in_parts_ = 0, without_digest_ = 0, streams_ = 0, sent_ = 0, not_uploaded_ = 0,
                with_newline_ = 0, replaced_ = 0;
};

}  // namespace

std::string Sha256Of(const ResultDetails& details) {
  if (IsSha256Hex(details.sha256)) return details.sha256;
  // The checksum of an object with parts may be one of its parts' checksums.
  if (details.checksum_algorithm != "sha256" || details.parts > 0) return "";
  const auto bytes = s3::Base64Decode(details.checksum);
  return bytes && bytes->size() == kSha256Bytes ? s3::HexEncode(*bytes) : "";
}

std::string CsvHeader() {
  return "path,key,status,size_bytes,sha256,checksum,attempts,seconds,error_kind,http_status,code,message,"
         "request_id,etag,version_id,first_part,last_part\r\n";
}

std::string CsvRecord(const ResultRecord& result, const ResultDetails& details) {
  std::string record;
  const auto add = [&record](std::string_view field) {
    record += ',';
    AppendCsv(field, &record);
  };
  const auto add_number = [&record](std::uint64_t number, bool is_known) {
    record += ',';
    if (is_known) fmt::format_to(std::back_inserter(record), "{}", number);
  };
  AppendCsv(result.path, &record);
  record += ',';
  AppendCsv(result.key, &record);
  add(OutcomeName(result.outcome));
  add_number(result.size_bytes, true);
  add(Sha256Of(details));
  add(details.checksum.empty() ? "" : details.checksum_algorithm + ":" + details.checksum);
  add_number(static_cast<std::uint64_t>(std::max(0, details.attempts)), true);
  fmt::format_to(std::back_inserter(record), ",{:.6f}", details.seconds);
  add(details.kind);
  add_number(static_cast<std::uint64_t>(std::max(0, details.http_status)), details.http_status > 0);
  add(details.code);
  add(details.message.empty() ? details.reason : details.message);
  add(details.request_id);
  add(details.etag);
  add(details.version_id);
  add_number(static_cast<std::uint64_t>(result.first_part), result.first_part > 0);
  add_number(static_cast<std::uint64_t>(details.last_part), details.last_part > 0);
  return record + "\r\n";
}

std::string Sha256SumLine(std::string_view sha256, std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    switch (c) {
      case '\\': escaped += "\\\\"; break;
      case '\n': escaped += "\\n"; break;
      case '\r': escaped += "\\r"; break;
      default: escaped += c;
    }
  }
  const auto* const lead = escaped.size() == name.size() ? "" : "\\";
  if (name == "-") escaped = "./-";  // sha256sum -c takes "-" for its standard input
  return fmt::format("{}{}  {}\n", lead, sha256, escaped);
}

std::string BagItLine(std::string_view sha256, std::string_view name) {
  std::string escaped;
  for (const char c : name) {
    switch (c) {
      case '%': escaped += "%25"; break;
      case '\n': escaped += "%0A"; break;
      case '\r': escaped += "%0D"; break;
      default: escaped += c;
    }
  }
  return fmt::format("{}  data/{}\n", sha256, escaped);
}

std::string_view RelativeTo(const std::vector<std::string>& roots, std::string_view path) {
  if (roots.size() != 1) return path;
  std::string_view root = roots.front();
  while (root.ends_with('/')) root.remove_suffix(1);
  if (path == root) return path.substr(path.rfind('/') + 1);
  if (!path.starts_with(root) || path.substr(root.size(), 1) != "/") return path;
  path.remove_prefix(root.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  return path;
}

s3::Result<ListResult> WriteList(const MergedResults& results, ListFormat format,
                                 const std::function<SourceFacts(const RunRecords&)>& facts_of,
                                 ReportOutput* output) {
  ListWriter writer(results, format, facts_of, output);
  if (const auto prepared = writer.Prepare(); !prepared) return tl::unexpected(prepared.error());
  const auto read =
      results.ForEach([&](const RunRecords& run, const ResultRecord& result, const ResultDetails& details) {
        return writer.Write(run, result, details);
      });
  if (!read) return tl::unexpected(read.error());
  return writer.Result();
}

}  // namespace pipeline

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "config/document.h"
#include "pipeline/cli/commands/commands.h"
#include "pipeline/cli/job_loading.h"
#include "pipeline/cli/output.h"
#include "pipeline/reports/report_html.h"
#include "pipeline/reports/report_lists.h"
#include "pipeline/reports/report_output.h"
#include "pipeline/reports/report_text.h"

namespace cli {
namespace {

using pipeline::ListFormat;

std::string TextAt(const config::Value& mapping, const char* key) {
  const auto* const value = mapping.Find(key);
  return value != nullptr ? value->text : "";
}

// Reads the settings that a run has recorded. They have no variables, so the environment is not used.
pipeline::SourceFacts SourceFactsOf(const pipeline::RunRecords& run) {
  pipeline::SourceFacts facts;
  if (!run.run) return facts;
  const auto no_environment = [](const std::string&) { return std::optional<std::string>(); };
  const auto settings = config::ParseDocument(run.run->settings, "settings", no_environment);
  if (const auto* const sources = settings.root.Find("source")) {
    for (const auto& source : sources->items) facts.roots.push_back(TextAt(source, "path"));
  }
  if (const auto* const destination = settings.root.Find("destination")) {
    facts.prefix = TextAt(*destination, "prefix");
  }
  return facts;
}

// Returns nothing for the formats that are no lists.
std::optional<ListFormat> ListFormatOf(const ReportCommandArguments& arguments) {
  const auto& format = arguments.format;
  if (format == "csv") return ListFormat::kCsv;
  if (format == "sha256sum") return ListFormat::kSha256Sum;
  if (format == "bagit") return ListFormat::kBagIt;
  if (format == "failed") return arguments.null_separated ? ListFormat::kFailed0 : ListFormat::kFailed;
  return std::nullopt;
}

std::string DocumentOf(const pipeline::ReportData& data, const std::string& format) {
  if (format == "json") return ReportJson(data);
  if (format == "html") {
    return ReportHtml(data, pipeline::ReadTimeline(data.scope.runs), std::time(nullptr));
  }
  return ReportText(data);
}

tl::expected<void, ExitError> CheckArguments(const ReportCommandArguments& arguments) {
  if (arguments.null_separated && arguments.format != "failed") {
    return Fail(pipeline::kExitUsage, "-0 needs --format failed");
  }
  if (arguments.force && arguments.output.empty())
    return Fail(pipeline::kExitUsage, "--force needs --output");
  const bool to_terminal = arguments.output.empty() && isatty(STDOUT_FILENO) == 1;
  if (arguments.format == "html" && to_terminal) {
    return Fail(pipeline::kExitUsage, "html is for a browser: add --output report.html");
  }
  return {};
}

CommandResult WriteReport(pipeline::ReportScope scope, const ReportCommandArguments& arguments) {
  auto output = pipeline::ReportOutput::Open(arguments.output, arguments.force);
  if (!output) return Fail(output.error());
  std::vector<std::string> notes;
  bool is_complete = true;
  if (const auto format = ListFormatOf(arguments)) {
    const auto results = pipeline::MergedResults::Index(&scope.runs);
    if (!results) return Fail(pipeline::kExitJournal, results.error().message);
    if (const auto checked = CheckKinds(scope); !checked) return Fail(checked.error());
    notes = ReportNotes(scope);
    auto list = WriteList(*results, *format, SourceFactsOf, &*output);
    if (!list) return Fail(pipeline::kExitJournal, list.error().message);
    notes.insert(notes.end(), list->notes.begin(), list->notes.end());
    is_complete = list->is_complete;
  } else {
    const auto data = pipeline::CollectData(std::move(scope));
    if (!data) return Fail(pipeline::kExitJournal, data.error().message);
    if (const auto checked = CheckKinds(data->scope); !checked) return Fail(checked.error());
    notes = ReportNotes(data->scope);
    output->Append(DocumentOf(*data, arguments.format));
  }
  for (const auto& note : notes) PrintError("note: " + note);
  if (const auto written = output->Finish(); !written) {
    return Fail(pipeline::kExitJournal, written.error().message);
  }
  return is_complete ? pipeline::kExitOk : pipeline::kExitSomeFailed;
}

}  // namespace

CommandResult Report(const ReportCommandArguments& arguments) {
  if (const auto right = CheckArguments(arguments); !right) return tl::unexpected(right.error());
  auto scope = pipeline::OpenRuns(arguments.directories, TrustOf(arguments.trust_dir), std::time(nullptr));
  if (!scope) return Fail(scope.error());
  return WriteReport(std::move(*scope), arguments);
}

}  // namespace cli

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pipeline/reports/report_data.h"
#include "pipeline/reports/report_html.h"
#include "pipeline/reports/report_text.h"
#include "pipeline/reports/timeline.h"
#include "pipeline/status/status_report.h"
#include "pipeline/status/status_text.h"
#include "tests/fuzz/fuzz_files.h"

// The files of a run directory that anybody may have written, as `status` and `report` read them. A line with
// "@@" ends a file; the next one follows. The journal's lines get right CRCs, so that the records are
// reached.
namespace {

constexpr std::array<const char*, 4> kNames{"status.json", "summary.json", "series.jsonl", "journal.jsonl"};
constexpr std::int64_t kNow = 1'800'000'000;

std::string_view TakeUntil(std::string_view* text, std::string_view end) {
  const auto found = text->find(end);
  const auto taken = text->substr(0, found);
  text->remove_prefix(found == std::string_view::npos ? text->size() : found + end.size());
  return taken;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto path = fuzz::MakeDirectory();
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string name : kNames) {
    const auto content = TakeUntil(&text, "@@\n");
    const auto file = path + "/" + name;
    if (content.empty()) {
      unlink(file.c_str());
    } else {
      fuzz::WriteFile(file, name == "journal.jsonl" ? fuzz::WithChecksums(content) : std::string(content));
    }
  }
  const auto directory = pipeline::OwnDir::Open(path);
  if (!directory) std::abort();
  if (const auto status = pipeline::ReadStatus(*directory, kNow)) {
    (void)pipeline::StatusText(*status, {80, 24});
    (void)pipeline::StatusReportJson(*status, -1);
  }
  auto scope = pipeline::OpenRuns({path}, pipeline::Trust::kOurs, kNow);
  if (!scope) return 0;
  const auto report = pipeline::CollectData(std::move(*scope));
  if (!report) return 0;
  (void)pipeline::ReportText(*report);
  (void)pipeline::ReportJson(*report);
  (void)pipeline::ReportHtml(*report, pipeline::ReadTimeline(report->scope.runs), kNow);
  return 0;
}

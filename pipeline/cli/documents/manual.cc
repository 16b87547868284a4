#include "pipeline/cli/documents/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/reference.h"
#include "pipeline/cli/documents/examples.h"
#include "pipeline/cli/documents/exit_statuses.h"
#include "pipeline/cli/documents/roff.h"

namespace cli {
namespace {

constexpr const char* kUserCommands = "User Commands";
constexpr const char* kFileFormats = "File Formats";

// A page while it is written.
class Page {
 public:
  Page(std::string name, std::string section, std::string_view summary, std::string_view title,
       const std::string& version, const std::string& date)
      : page_{std::move(name), std::move(section), ""} {
    std::string upper = page_.name;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    page_.text = fmt::format(
        ".\\\" Written by s3flow from its own tables: s3flow manual\n"
        ".TH {} {} {} \"s3flow {}\" \"{}\"\n",
        RoffText(upper, true), page_.section, date, version, title);
    Section("NAME");
    Line(RoffText(page_.name, true) + " \\- " + RoffText(summary));
  }

  void Section(std::string_view name) { Line(fmt::format(".SH {}", name)); }
  void Subsection(std::string_view name) { Line(fmt::format(".SS {}", name)); }
  void Line(std::string_view roff) { page_.text += WrapRoff(roff); }
  void NextParagraph() { Line(".PP"); }
  // A term, and below it its explanation, indented.
  void Item(std::string_view roff_term, std::string_view roff_text) {
    Line(".TP");
    Line(roff_term);
    Line(roff_text);
  }
  // Text that is printed line by line, as it is.
  void Verbatim(std::string_view text) {
    Line(".PP");
    Line(".nf");
    Line(".RS 4");
    while (!text.empty()) {
      const auto end = text.find('\n');
      page_.text += RoffText(text.substr(0, end), true) + "\n";
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    Line(".RE");
    Line(".fi");
  }
  ManualPage Take() { return std::move(page_); }

 private:
  ManualPage page_;
};

std::string Reference(const std::string& page, const char* section) {
  return fmt::format("{}({})", RoffBold(page), section);
}

void AddSeeAlso(const CommandLine& line, const std::string& own_name, Page* page) {
  page->Section("SEE ALSO");
  std::string text;
  const auto add = [&](const std::string& name, const char* section) {
    if (name != own_name) text += (text.empty() ? "" : ", ") + Reference(name, section);
  };
  add("s3flow", "1");
  for (const auto& command : line.commands) add("s3flow-" + command.name, "1");
  add("s3flow.yaml", "5");
  page->Line(text);
}

std::string TermOf(const ArgumentText& argument) {
  std::string term;
  for (const auto& name : argument.names) term += (term.empty() ? "" : ", ") + RoffBold(name);
  if (!argument.value.empty()) term += (term.empty() ? "" : " ") + RoffItalic(argument.value);
  return term;
}

std::string ExplanationOf(const ArgumentText& argument) {
  auto text = argument.text;
  if (!text.ends_with('.') && !text.ends_with(')')) text += '.';
  if (!argument.choices.empty()) {
    text += fmt::format(" Values: `{}`.", fmt::join(argument.choices, "`, `"));
  }
  if (argument.repeats && text.find("several times") == std::string::npos && !argument.names.empty()) {
    text += " May be given several times.";
  }
  return RoffParagraph(text);
}

void AddArguments(const std::vector<ArgumentText>& arguments, Page* page) {
  for (const auto& argument : arguments) page->Item(TermOf(argument), ExplanationOf(argument));
}

std::string SynopsisOf(const CommandText& command) {
  auto text = fmt::format("{} {} [{}]...", RoffBold("s3flow"), RoffBold(command.name), RoffItalic("OPTION"));
  for (const auto& option : command.options) {
    if (option.is_required) {
      text += fmt::format(" {} {}", RoffBold(option.names.back()), RoffItalic(option.value));
    }
  }
  for (const auto& positional : command.positionals) {
    const auto name = RoffItalic(positional.value) + (positional.repeats ? "..." : "");
    text += positional.is_required ? " " + name : " [" + name + "]";
  }
  return text;
}

void AddExamples(const std::string& command, Page* page) {
  bool is_first = true;
  for (const auto& example : Examples()) {
    if (example.command != command) continue;
    if (is_first) page->Section("EXAMPLES");
    if (!is_first) page->NextParagraph();
    is_first = false;
    page->Line(RoffParagraph(std::string(example.what) + ":"));
    page->Verbatim(example.lines);
  }
}

ManualPage CommandPage(const CommandLine& line, const CommandText& command, const std::string& version,
                       const std::string& date) {
  const auto name = "s3flow-" + command.name;
  Page page(name, "1", command.text, kUserCommands, version, date);
  page.Section("SYNOPSIS");
  page.Line(SynopsisOf(command));
  page.Section("DESCRIPTION");
  page.Line(RoffParagraph(command.text + "."));
  if (!command.positionals.empty()) {
    page.Section("ARGUMENTS");
    AddArguments(command.positionals, &page);
  }
  page.Section("OPTIONS");
  AddArguments(command.options, &page);
  page.Section("EXIT STATUS");
  page.Line(RoffParagraph("0 after a success. ") + Reference("s3flow", "1") + " lists all other values.");
  AddExamples(command.name, &page);
  AddSeeAlso(line, name, &page);
  return page.Take();
}

ManualPage ProgramPage(const CommandLine& line, const std::string& version, const std::string& date) {
  const auto& text = line.program.text;
  const auto summary = text.substr(text.starts_with("s3flow: ") ? 8 : 0);
  Page page("s3flow", "1", summary, kUserCommands, version, date);
  page.Section("SYNOPSIS");
  page.Line(fmt::format("{} {} [{}]... [{}]...", RoffBold("s3flow"), RoffItalic("COMMAND"),
                        RoffItalic("OPTION"), RoffItalic("ARGUMENT")));
  page.Line(".br");
  page.Line(fmt::format("{} [{}]", RoffBold("s3flow"), RoffItalic("OPTION")));
  page.Section("DESCRIPTION");
  page.Line(
      RoffParagraph("s3flow uploads many files to S3, and to every store that implements the S3 API. One "
                    "YAML job file names the files and the bucket; "));
  page.Line(Reference("s3flow.yaml", "5") + " describes it.");
  page.Line(RoffParagraph(
      "A journal in the run directory records the result of each file. After an interruption, the same "
      "command "
      "resumes the run. The exit status says whether a job script should run the command again."));
  page.Section("COMMANDS");
  for (const auto& command : line.commands) {
    page.Item(Reference("s3flow-" + command.name, "1"), RoffParagraph(command.text + "."));
  }
  page.Section("OPTIONS");
  AddArguments(line.program.options, &page);
  page.Section("EXIT STATUS");
  for (const auto& entry : ExitStatuses()) {
    const std::string next = *entry.next == '\0' ? "" : std::string(" ") + entry.next;
    page.Item(RoffBold(std::to_string(static_cast<int>(entry.status))), RoffParagraph(entry.meaning + next));
  }
  page.Section("ENVIRONMENT");
  page.Item(
      RoffBold("AWS_*"),
      RoffParagraph("AWS's own variables and files give credentials and settings that the job file does "
                    "not set. AWS.md in the folder of the documents lists them; `s3flow check` prints "
                    "the source of each value."));
  page.Item(RoffBold("NO_COLOR"), RoffParagraph("If it is set, s3flow uses no colors."));
  page.Section("FILES");
  page.Item(RoffItalic("s3flow-runs/TIME-PID/"),
            RoffParagraph(
                "The run directory, if `--run-dir` does not name one: `journal.jsonl` (or "
                "`journal.jsonl.zst`), `summary.json`, `status.json`, `metrics.prom` and `series.jsonl`."));
  AddExamples("", &page);
  AddSeeAlso(line, "s3flow", &page);
  return page.Take();
}

void AddKeys(const config::ReferenceSection& section, Page* page) {
  for (const auto& key : section.keys) {
    page->Item(fmt::format("{} ({})", RoffBold(key.name), RoffText(key.type)), RoffParagraph(key.meaning));
    page->Line(".br");
    page->Line(fmt::format("Default: {}. Example: {}.", RoffBold(key.default_value), RoffBold(key.example)));
  }
}

ManualPage JobFilePage(const CommandLine& line, const std::string& version, const std::string& date) {
  Page page("s3flow.yaml", "5", "the job file of s3flow", kFileFormats, version, date);
  page.Section("DESCRIPTION");
  page.Line(RoffParagraph(
      "A job file is a YAML file that names the files to upload and the bucket. It consists of the sections "
      "below. Only `source` and `destination.bucket` are required. `s3flow check` finds mistakes and prints "
      "all values."));
  page.NextParagraph();
  page.Line(RoffParagraph(config::ValueSyntax()));
  for (const auto& example : Examples()) {
    if (example.command != kJobFileExample) continue;
    page.Section("EXAMPLE");
    page.Line(RoffParagraph(std::string(example.what) + ":"));
    page.Verbatim(example.lines);
  }
  page.Section("KEYS");
  for (const auto& section : config::JobReference()) {
    page.Subsection(section.name);
    AddKeys(section, &page);
  }
  page.Section("FAULTS FILES");
  page.Line(RoffParagraph(config::FaultsSyntax()));
  AddKeys(config::FaultsReference(), &page);
  AddSeeAlso(line, "s3flow.yaml", &page);
  return page.Take();
}

}  // namespace

std::vector<ManualPage> ManualPages(const CommandLine& line, const std::string& version,
                                    const std::string& date) {
  std::vector<ManualPage> pages{ProgramPage(line, version, date), JobFilePage(line, version, date)};
  for (const auto& command : line.commands) pages.push_back(CommandPage(line, command, version, date));
  return pages;
}

}  // namespace cli

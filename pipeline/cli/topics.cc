#include "pipeline/cli/topics.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/descriptions.h"
#include "config/job.h"
#include "config/schema.h"
#include "pipeline/cli/documents/exit_statuses.h"

namespace cli {
namespace {

struct Text {
  Topic topic;
  std::string_view text;
};

constexpr Text kTexts[] = {
    {{"job", "the job file and its keys"},
     "A job file names the files (source) and the store (destination). `s3flow init` writes one, `s3flow "
     "check JOB.yaml` "
     "validates it, and `s3flow schema` prints a JSON Schema for editors. The name - is standard input. "
     "Relative paths "
     "begin at the working directory.\n"
     "A size is a number of bytes, or has a unit: 8MB is 8,000,000 and 8MiB is 8,388,608. A duration has a "
     "unit: 200ms, "
     "20s, 1m30s, 2h. ${VAR} and ${VAR:-default} read the environment; write $${ for the text ${ itself. "
     "--set "
     "section.key=value overrides one value.\n"},
    {{"credentials", "where s3flow finds keys"},
     "s3flow looks for credentials in this order: the job file (credentials), AWS_ACCESS_KEY_ID and "
     "AWS_SECRET_ACCESS_KEY, the profile (credentials.profile or AWS_PROFILE), web identity, IAM Identity "
     "Center, "
     "credential_process, the container, the instance. Temporary credentials are renewed before they "
     "expire.\n"
     "Write secrets as '${VAR}' into the job file. Every user of a machine can read a command's arguments, "
     "so --set "
     "accepts a secret only as '${VAR}'.\n"
     "`s3flow check JOB.yaml --probe` shows which source was used, and whether the store accepts it.\n"},
    {{"filters", "which files are uploaded"},
     "include and exclude of a source entry are lists of globs. If include is not empty, only files that "
     "match one of "
     "its globs are uploaded. A file that matches exclude is left out, even if include matches, too.\n"
     "  *.dat      files in every directory\n"
     "  sub/**     all files below sub\n"
     "  cache/     directories of that name, which are not walked\n"
     "min_size, max_size, newer_than and older_than choose by size and age. files_from and files_from0 read "
     "the names of the files from a list, so the directory is not searched.\n"
     "The directories of s3flow's own runs are never uploaded. `s3flow run JOB.yaml --dry-run` shows what "
     "would be "
     "uploaded and skipped.\n"},
    {{"resume", "interrupted and finished runs"},
     "Run the same command again: an unfinished run of the same job in the same run directory is resumed. "
     "--resume also "
     "resumes a finished run and uploads what failed or has changed. A job script needs one line:\n"
     "  s3flow run JOB.yaml --run-dir RUN --resume\n"
     "If it ends with status 75, run it again. A file is not uploaded again if the journal says that it was "
     "uploaded and "
     "its size and mtime have not changed. With resume.skip, s3flow also skips files that another program "
     "has uploaded.\n"
     "`s3flow clean RUN` aborts the multipart uploads of a run that is not to be resumed. `s3flow clean "
     "--older-than 30d "
     "DIR` removes the directories of finished runs.\n"},
    {{"exit-status", "what the exit statuses mean"}, ""},  // see ListOfExitStatuses()
    {{"environment", "the variables that s3flow reads"},
     "A key of the job file wins over a variable. `s3flow check JOB.yaml` shows where each value came from.\n"
     "  AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE   credentials\n"
     "  AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE                               the files of profiles\n"
     "  AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL      the destination\n"
     "  AWS_CA_BUNDLE                                                              destination.ca_file\n"
     "  SSL_CERT_FILE, SSL_CERT_DIR, without AWS_CA_BUNDLE                         "
     "destination.ca_file, ca_directory\n"
     "  HTTPS_PROXY, http_proxy, ALL_PROXY, NO_PROXY                               destination.proxy: auto\n"
     "  SLURM_*, PBS_*, LSB_*, OMPI_*, PMI_*, PMIX_RANK                            --shard auto, limits, "
     "time left\n"
     "  NO_COLOR, TERM                                                             colors\n"}};

constexpr std::size_t kColumns = 100;

// Breaks paragraphs at kColumns. Lines that begin with a space stay as they are.
std::string Wrapped(std::string_view text) {
  std::string wrapped;
  std::size_t column = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    begin = end + 1;
    column = 0;
    if (line.starts_with(' ')) wrapped += line;
    while (!line.empty() && !line.starts_with(' ')) {
      const auto word = line.substr(0, line.find(' '));
      if (column > 0 && column + 1 + word.size() > kColumns) {
        wrapped += '\n';
        column = 0;
      }
      if (column++ > 0) wrapped += ' ';
      wrapped += word;
      column += word.size();
      line.remove_prefix(std::min(line.size(), word.size() + 1));
    }
    wrapped += '\n';
  }
  return wrapped;
}

std::string ListOfExitStatuses() {
  std::string text;
  for (const auto& entry : ExitStatuses()) {
    auto words = Wrapped(fmt::format("{} {}", entry.meaning, entry.next));
    while (words.ends_with(' ') || words.ends_with('\n')) words.pop_back();
    text += fmt::format("  {:<5}", static_cast<int>(entry.status));
    for (const char c : words) text += c == '\n' ? std::string("\n       ") : std::string(1, c);
    text += '\n';
  }
  return text;
}

struct Key {
  std::string section, name;  // "source" for the entries of the list
  std::string text;
};

std::string PlainType(std::string type) {
  for (auto at = type.find("\\|"); at != std::string::npos; at = type.find("\\|")) type.erase(at, 1);
  return type;
}

std::string KeyText(const std::string& described, const std::string& shown, const config::Field& field) {
  const auto all = config::Descriptions();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& entry) { return described == entry.key; });
  return Wrapped(fmt::format("{}: {}; default {}\n{}\n  {}: {}\n", shown, PlainType(field.type), field.show(),
                             found->meaning, field.name, found->example));
}

std::vector<Key> Keys() {
  config::Job job;
  pipeline::SourceRoot root;
  std::vector<Key> keys;
  const auto add = [&](const std::string& section, const std::string& described,
                       const std::vector<config::Field>& fields) {
    for (const auto& field : fields) {
      keys.push_back(
          {section, field.name,
           KeyText(described + "." + field.name, fmt::format("{}.{}", section, field.name), field)});
    }
  };
  add("source", "source[]", config::SourceFields(&root));
  for (const auto& section : config::JobSections(&job.s3, &job.pipeline)) {
    add(section.name, section.name, section.fields);
  }
  return keys;
}

// Returns the keys of one section, or the names of all sections with their keys.
std::string KeyList(std::string_view section) {
  std::string text, last;
  for (const auto& key : Keys()) {
    if (!section.empty() && key.section != section) continue;
    if (key.section != last) text += fmt::format("{}{}:", last.empty() ? "" : "\n", key.section);
    text += " " + key.name;
    last = key.section;
  }
  return text.empty() ? "" : Wrapped(text + "\n");
}

std::optional<std::string> TextOfKey(std::string_view name) {
  std::optional<std::string> found;
  for (const auto& key : Keys()) {
    if (name == key.section + "." + key.name) return key.text;
    if (name != key.name) continue;
    found = found ? *found + "\n" + key.text : key.text;
  }
  return found;
}

}  // namespace

std::vector<Topic> Topics() {
  std::vector<Topic> topics;
  for (const auto& text : kTexts) topics.push_back(text.topic);
  return topics;
}

std::optional<std::string> TopicText(std::string_view name) {
  for (const auto& [topic, text] : kTexts) {
    if (topic.name != name) continue;
    if (name == "exit-status") return ListOfExitStatuses();
    if (name != "job") return Wrapped(text);
    return fmt::format("{}\n{}", Wrapped(text), KeyList(""));
  }
  if (name.empty()) return std::nullopt;
  if (auto list = KeyList(name); !list.empty()) {
    for (const auto& key : Keys()) {
      if (key.section == name) list += "\n" + key.text;
    }
    return list;
  }
  return TextOfKey(name);
}

std::vector<std::string> Sections() {
  std::vector<std::string> sections;
  for (const auto& key : Keys()) {
    if (sections.empty() || sections.back() != key.section) sections.push_back(key.section);
  }
  return sections;
}

std::vector<std::string> TopicNames() {
  auto names = Sections();
  for (const auto& text : kTexts) names.emplace_back(text.topic.name);
  const auto keys = Keys();
  for (const auto& key : keys) names.push_back(fmt::format("{}.{}", key.section, key.name));
  for (const auto& key : keys) names.push_back(key.name);
  return names;
}

}  // namespace cli

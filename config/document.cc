#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "s3/base/printable.h"

namespace config {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxDepth = 16;

struct TooDeep {};

std::string Where(const std::string& name, int line, int column) {
  return fmt::format("{}:{}:{}", name, line + 1, column + 1);
}

// Builds the tree from the parser's events, because yaml-cpp's own tree no longer shows duplicate keys,
// aliases and tags.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& name, const s3::Environment& environment, std::vector<Problem>* problems)
      : name_(name), environment_(environment), problems_(problems) {}

  Value TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Refuse(mark, "", anchor);
    Add({.kind = Value::Kind::kNull, .where = At(mark)});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_->push_back({At(mark), "aliases (*name) are not allowed: write the value out"});
    Add({.kind = Value::Kind::kNull, .where = At(mark), .refused = true});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Refuse(mark, tag, anchor);
    const bool is_key =
        !open_.empty() && open_.back().value.kind == Value::Kind::kMapping && !open_.back().key;
    Value value{.kind = Value::Kind::kScalar, .where = At(mark)};
    const auto before = problems_->size();
    if (is_key) {
      value.text = text;
    } else {
      auto expanded = ExpandVariables(text, environment_, value.where, problems_);
      value.text = std::move(expanded.text);
      if (expanded.has_variables) value.written = text;
    }
    value.refused = problems_->size() > before;
    Add(std::move(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Value::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, Value::Kind::kMapping);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    Value value;
    std::optional<Entry> key;  // in a mapping: the key whose value is the next event
  };

  std::string At(const YAML::Mark& mark) const { return Where(name_, mark.line, mark.column); }

  void Refuse(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) problems_->push_back({At(mark), "anchors (&name) are not allowed: write the value out"});
    // If a scalar has no tag, the parser reports the tag "?" for a plain scalar and "!" for a quoted one.
    if (tag.size() > 1)
      problems_->push_back({At(mark), fmt::format("tags are not allowed: remove the tag {}", tag)});
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value::Kind kind) {
    Refuse(mark, tag, anchor);
    if (open_.size() >= kMaxDepth) {
      problems_->push_back({At(mark), fmt::format("the file is nested deeper than {} levels", kMaxDepth)});
      throw TooDeep{};
    }
    open_.push_back({{.kind = kind, .where = At(mark)}, std::nullopt});
  }

  void Close() {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    Add(std::move(value));
  }

  void Add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& [parent, key] = open_.back();
    if (parent.kind == Value::Kind::kSequence) {
      parent.items.push_back(std::move(value));
    } else if (!key) {
      AddKey(parent, std::move(value), &key);
    } else {
      // For an absent value, the parser's mark is the position of the next token.
      if (value.kind == Value::Kind::kNull) value.where = key->where;
      key->value = std::move(value);
      // A refused key was reported already; its value is skipped.
      if (!key->key.empty()) parent.entries.push_back(std::move(*key));
      key.reset();
    }
  }

  void AddKey(const Value& parent, Value value, std::optional<Entry>* key) {
    *key = Entry{std::move(value.text), value.where, {}};
    auto& text = (*key)->key;
    if (value.kind != Value::Kind::kScalar || text.empty()) {
      problems_->push_back({value.where, "a key must be text that is not empty"});
      text.clear();
    } else if (text == "<<") {
      problems_->push_back({value.where, "merge keys (<<) are not allowed: write the values out"});
      text.clear();
    } else if (const auto* earlier = FindEntry(parent, text)) {
      problems_->push_back({value.where, fmt::format("key '{}' is given twice, first at {}: remove one", text,
                                                     earlier->where)});
      text.clear();
    }
  }

  static const Entry* FindEntry(const Value& mapping, std::string_view key) {
    for (const auto& entry : mapping.entries) {
      if (entry.key == key) return &entry;
    }
    return nullptr;
  }

  const std::string& name_;
  const s3::Environment& environment_;
  std::vector<Problem>* const problems_;
  std::vector<Frame> open_;
  Value root_;
};

// Returns the offset of the first byte that is not allowed in a YAML text; nothing if all bytes are allowed.
std::optional<std::size_t> BadByte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto [code, bytes] = s3::FirstCharacter(text.substr(i));
    const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
    if (bytes == 0 || control || code == 0x7f) return i;
    i += bytes;
  }
  return std::nullopt;
}

std::string WhereOffset(const std::string& name, std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, offset);
  const auto line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return Where(name, static_cast<int>(std::count(before.begin(), before.end(), '\n')),
               static_cast<int>(offset - line_start));
}

bool IsVariableName(std::string_view name) {
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), word);
}

}  // namespace

const Value* Value::Find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull: return "nothing";
    case Value::Kind::kScalar: return "text";
    case Value::Kind::kSequence: return "a list";
    case Value::Kind::kMapping: return "a mapping";
  }
  return "";
}

Expanded ExpandVariables(std::string_view text, const s3::Environment& environment, const std::string& where,
                         std::vector<Problem>* problems) {
  Expanded expanded;
  const auto append = [&](std::string_view literal) {
    expanded.text += literal;
    expanded.literal += literal;
  };
  while (!text.empty()) {
    const auto start = text.find("${");
    const auto before = text.substr(0, start);
    append(before);
    if (start == std::string_view::npos) break;
    text.remove_prefix(start + 2);
    if (before.ends_with('$')) {
      append("{");
      continue;
    }
    const auto end = text.find('}');
    const auto inside = text.substr(0, end);
    const auto separator = inside.find(":-");
    const std::string variable(inside.substr(0, separator));
    if (end == std::string_view::npos || !IsVariableName(variable)) {
      problems->push_back(
          {where,
           "'${' starts a variable, but this one is not valid: write ${NAME} or ${NAME:-default}, or $${ for "
           "the text '${' itself"});
      return expanded;
    }
    text.remove_prefix(end + 1);
    const bool has_default = separator != std::string_view::npos;
    const auto otherwise = has_default ? inside.substr(separator + 2) : "";
    expanded.literal += otherwise;
    if (const auto value = environment(variable)) {
      expanded.text += *value;
      expanded.has_variables = true;
    } else if (has_default) {
      expanded.text += otherwise;
    } else {
      problems->push_back(
          {where, fmt::format("the environment variable {} is not set: set it, or write ${{{}:-default}}",
                              variable, variable)});
    }
  }
  return expanded;
}

Document ParseDocument(std::string_view text, const std::string& name, const s3::Environment& environment) {
  Document document;
  auto& problems = document.problems;
  if (text.size() > kMaxBytes) {
    problems.push_back(
        {Where(name, 0, 0), fmt::format("the file has {} bytes, but at most 1 MiB is allowed", text.size())});
    return document;
  }
  if (const auto bad = BadByte(text)) {
    problems.push_back({WhereOffset(name, text, *bad),
                        fmt::format("byte 0x{:02x} is not allowed here: the file must be UTF-8 text",
                                    static_cast<unsigned char>(text[*bad]))});
    return document;
  }
  std::istringstream stream{std::string(text)};
  try {
    YAML::Parser parser(stream);
    TreeBuilder builder(name, environment, &problems);
    if (!parser.HandleNextDocument(builder)) {
      problems.push_back({Where(name, 0, 0), "the file is empty"});
      return document;
    }
    document.root = builder.TakeRoot();
    TreeBuilder second(name, environment, &problems);
    if (parser.HandleNextDocument(second)) {
      const auto extra = second.TakeRoot();
      problems.push_back({extra.where.empty() ? Where(name, 0, 0) : extra.where,
                          "a second document begins here: only one is allowed"});
    }
  } catch (const YAML::Exception& error) {
    problems.push_back({Where(name, std::max(error.mark.line, 0), std::max(error.mark.column, 0)),
                        "the file is not valid YAML: " + error.msg});
  } catch (const TooDeep&) {
  }
  return document;
}

std::optional<std::vector<std::string>> SplitTextList(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  std::string item;
  char quote = '\0';
  bool was_quoted = false;
  const auto end_item = [&] {
    const auto last = item.find_last_not_of(' ');
    if (!was_quoted) item.erase(last == std::string::npos ? 0 : last + 1);
    items.push_back(std::exchange(item, ""));
    was_quoted = false;
  };
  for (const char c : text) {
    const bool in_quotes = quote != '\0';
    if (was_quoted && !in_quotes && c != ' ' && c != ',') return std::nullopt;  // text behind a quoted item
    const bool counts = in_quotes || c != ' ' || (!item.empty() && !was_quoted);
    if (in_quotes && c == quote) {
      quote = '\0';
    } else if (!in_quotes && (c == '\'' || c == '"') && item.empty()) {
      quote = c;
      was_quoted = true;
    } else if (!in_quotes && c == ',') {
      end_item();
    } else if (counts) {
      item += c;
    }
  }
  if (quote != '\0') return std::nullopt;
  if (!text.empty()) end_item();
  return items;
}

namespace {

tl::unexpected<std::vector<Problem>> ReadProblem(const std::string& where, const std::string& what) {
  return tl::unexpected(std::vector<Problem>{{where, what}});
}

}  // namespace

Loaded<std::string> ReadTextFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return ReadProblem(path, "is a directory, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return ReadProblem(path, std::strerror(errno));
  std::string text(kMaxBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return ReadProblem(path, "cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

Loaded<std::string> ReadStandardInput() {
  std::string text(kMaxBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (std::ferror(stdin) == 0) return text;
  // Whoever starts s3flow may have closed descriptor 0, see pipeline/cli/launch.h.
  return ReadProblem(kStandardInput, fmt::format("standard input cannot be read: {}", std::strerror(errno)));
}

}  // namespace config

#include "config/object_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "config/builders.h"
#include "s3/api/properties.h"
#include "s3/base/secret.h"
#include "s3/hash/hash.h"

namespace config {
namespace {

using s3::ObjectProperties;

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";
constexpr std::string_view kEncryption = "x-amz-server-side-encryption";

// ASCII without control characters, as AnyHeader() wants it.
constexpr char kHeaderPattern[] = "[ -~]*";

MaybeProblem AnyHeader(const std::string& value) { return s3::HeaderValueProblem(value); }

std::string Shown(const ObjectProperties& properties, std::string_view header) {
  const auto* value = properties.Find(header);
  return value == nullptr ? "" : *value;
}

// Returns true also if the value is empty, because in a rule an empty value removes a property.
std::function<bool()> IsNamed(const ObjectProperties* properties, const std::string& header) {
  return [=] {
    const auto& entries = properties->entries();
    return std::any_of(entries.begin(), entries.end(),
                       [&](const auto& entry) { return entry.name == header; });
  };
}

// A job-file key whose text is the value of one header.
Field HeaderText(std::string name, ObjectProperties* properties, std::string header, Check check = AnyHeader,
                 std::string pattern = kHeaderPattern) {
  return {.name = std::move(name),
          .type = "text",
          .set =
              [=, check = std::move(check)](const std::string& text) {
                auto problem = check(text);
                if (!problem) properties->Set(header, text);
                return problem;
              },
          .show = [=] { return YamlScalar(Shown(*properties, header)); },
          .given = IsNamed(properties, header),
          .shape = {.pattern = std::move(pattern)}};
}

// A job-file key that sets one header. `words` maps each word to a value of the header. With the first word
// the header is not sent.
Field HeaderChoice(std::string name, ObjectProperties* properties, std::string header,
                   Names<std::string> words) {
  // The target of Choice must live as long as the field.
  auto value = std::make_shared<std::string>(Shown(*properties, header));
  auto field = Choice(std::move(name), value.get(), std::move(words));
  field.set = [set = std::move(field.set), value, properties, header](const std::string& text) {
    auto problem = set(text);
    if (!problem) properties->Set(header, *value);
    return problem;
  };
  field.show = [show = std::move(field.show), value, properties, header] {
    *value = Shown(*properties, header);
    return show();
  };
  field.given = IsNamed(properties, header);
  return field;
}

MaybeProblem DateProblem(const std::string& text) {
  // Checks only the form of RFC 3339, which S3 requires. The store decides which times it accepts.
  const std::string shape = "dddd-dd-ddTdd:dd:dd";
  const bool fits = text.size() > shape.size() && text.back() == 'Z' &&
                    std::equal(shape.begin(), shape.end(), text.begin(), [](char wanted, char given) {
                      return wanted == 'd' ? given >= '0' && given <= '9' : wanted == given;
                    });
  if (fits || text.empty()) return std::nullopt;
  return fmt::format("'{}' is not a time: write 2027-01-31T00:00:00Z", text);
}

Field CustomerKey(std::string name, ObjectProperties* properties) {
  return {
      .name = std::move(name),
      .type = "text, secret: 32 bytes in base64",
      .set =
          [=](const std::string& text) {
            if (text.empty()) return MaybeProblem();
            auto key = s3::Base64Decode(text);
            if (!key || key->size() != 32) return MaybeProblem("must be 32 bytes in base64");
            s3::SetCustomerKey(*key, properties);
            s3::Wipe(&*key);
            return MaybeProblem();
          },
      .show =
          [=] {
            const auto& key = properties->customer_key();
            return YamlScalar(key.empty() ? "" : fmt::format("**redacted** #{}", CheckDigits(key.Reveal())));
          },
      .holds_secret = [](std::string_view literal) { return !literal.empty(); },
      .shape = {.pattern = "(?:[A-Za-z0-9+/]{43}=)?"}};
}

// Returns a regular expression for `lower` in upper, lower or mixed case. `lower` has letters, digits and
// '-'.
std::string AnyCase(std::string_view lower) {
  std::string pattern;
  for (const char c : lower) {
    pattern += std::isalpha(static_cast<unsigned char>(c)) == 0
                   ? std::string(1, c)
                   : fmt::format("[{}{}]", static_cast<char>(std::toupper(static_cast<unsigned char>(c))), c);
  }
  return pattern;
}

Field Metadata(ObjectProperties* properties) {
  return Mapping(
      "metadata",
      [properties](const Pairs& pairs) {
        for (auto [name, value] : pairs) {
          std::transform(name.begin(), name.end(), name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
          properties->Set(std::string(kMetadataPrefix) + name, value);
        }
      },
      [](const std::string& name, const std::string& value) {
        auto problem = s3::MetadataNameProblem(name);
        return problem ? problem : s3::HeaderValueProblem(value);
      },
      [properties] {
        Pairs pairs;
        for (const auto& [name, value] : properties->entries()) {
          if (name.starts_with(kMetadataPrefix))
            pairs.emplace_back(name.substr(kMetadataPrefix.size()), value);
        }
        return pairs;
      },
      {.kind = Shape::Kind::kMapping,
       .pattern = kHeaderPattern,
       .names = fmt::format("(?!{}$)[!#$%&'*+.^_`|~A-Za-z0-9-]+", AnyCase(s3::kTokenName))});
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
MaybeProblem TagProblem(const std::string& name, const std::string& value) {
  if (name.empty() || name.size() > 128 || value.size() > 256) {
    return "a tag's name must have 1 to 128 characters, and its value at most 256";
  }
  const auto bad = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(name.begin(), name.end(), bad) || std::any_of(value.begin(), value.end(), bad)) {
    return "has a control character: remove it";
  }
  return std::nullopt;
}

constexpr std::size_t kMaxTags = 10;

Field Tags(ObjectProperties* properties) {
  auto field = Mapping(
      "tags", [=](const Pairs& pairs) { properties->Set(s3::kTaggingHeader, s3::TaggingValue(pairs)); },
      TagProblem, [=] { return s3::ParseTagging(Shown(*properties, s3::kTaggingHeader)); },
      {.kind = Shape::Kind::kMapping,
       .pattern = "[^\\u0000-\\u001f\\u007f]{0,256}",
       .names = "[^\\u0000-\\u001f\\u007f]{1,128}",
       .max_count = kMaxTags});
  field.read = [read = std::move(field.read)](const Value& value, const std::string& path,
                                              std::vector<Problem>* problems) {
    if (value.entries.size() > kMaxTags)
      problems->push_back({value.where, path + ": an object can have at most 10 tags"});
    read(value, path, problems);
  };
  return field;
}

std::vector<Field> PropertyFields(ObjectProperties* properties) {
  return {HeaderText("content_type", properties, "content-type"),
          HeaderText("content_encoding", properties, "content-encoding"),
          HeaderText("content_disposition", properties, "content-disposition"),
          HeaderText("content_language", properties, "content-language"),
          HeaderText("cache_control", properties, "cache-control"),
          HeaderText("expires", properties, "expires"),
          HeaderText("storage_class", properties, "x-amz-storage-class"),
          HeaderText("acl", properties, "x-amz-acl"),
          HeaderText("website_redirect", properties, "x-amz-website-redirect-location"),
          Metadata(properties),
          Tags(properties),
          HeaderChoice("encryption", properties, std::string(kEncryption),
                       {{"default", ""}, {"s3", "AES256"}, {"kms", "aws:kms"}, {"kms_dsse", "aws:kms:dsse"}}),
          HeaderText("kms_key_id", properties, fmt::format("{}-aws-kms-key-id", kEncryption)),
          CustomerKey("customer_key", properties),
          HeaderChoice("if_none_match", properties, "if-none-match", {{"false", ""}, {"true", "*"}}),
          HeaderChoice("lock_mode", properties, "x-amz-object-lock-mode",
                       {{"none", ""}, {"governance", "GOVERNANCE"}, {"compliance", "COMPLIANCE"}}),
          HeaderText("lock_until", properties, "x-amz-object-lock-retain-until-date", DateProblem,
                     "(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}.*Z)?"),
          HeaderChoice("legal_hold", properties, "x-amz-object-lock-legal-hold",
                       {{"false", ""}, {"true", "ON"}})};
}

// Checks combinations in one set of properties.
void CheckProperties(const ObjectProperties& properties, const std::string& where, const std::string& path,
                     std::vector<Problem>* problems) {
  const auto report = [&](const char* what) {
    problems->push_back({where, fmt::format("{}: {}", path, what)});
  };
  const auto has = [&](std::string_view header) { return properties.Find(header) != nullptr; };
  const bool customer = !properties.customer_key().empty();
  if (customer && has(kEncryption)) report("encryption and customer_key cannot be set together: remove one");
  if (has(fmt::format("{}-aws-kms-key-id", kEncryption)) &&
      !Shown(properties, kEncryption).starts_with("aws:kms")) {
    report("kms_key_id needs encryption: kms or kms_dsse");
  }
  if (has("x-amz-object-lock-mode") != has("x-amz-object-lock-retain-until-date")) {
    report("lock_mode and lock_until must be set together");
  }
}

std::string ShowRule(pipeline::ObjectRule* rule) {
  std::string text = "match: " + YamlScalar(rule->match);
  ObjectProperties none;
  const auto defaults = PropertyFields(&none);
  const auto fields = PropertyFields(&rule->properties);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto shown = fields[i].show();
    const bool given = fields[i].given ? fields[i].given() : shown != defaults[i].show();
    if (given) text += fmt::format(", {}: {}", fields[i].name, shown);
  }
  return "{" + text + "}";
}

std::vector<Field> RuleFields(pipeline::ObjectRule* rule) {
  auto fields = PropertyFields(&rule->properties);
  fields.push_back(Text("match", &rule->match, NotEmpty, kAnyButEmpty));
  return fields;
}

Field Rules(pipeline::ObjectOptions* options) {
  pipeline::ObjectRule none;
  return {
      .name = "rules",
      .type = "list of rules",
      .read =
          [options](const Value& value, const std::string& path, std::vector<Problem>* problems) {
            if (value.kind != Value::Kind::kSequence) {
              problems->push_back(
                  {value.where, fmt::format("{}: must be a list of rules ('- match: ...'), not {}", path,
                                            KindName(value.kind))});
              return;
            }
            for (const auto& item : value.items) {
              pipeline::ObjectRule rule;
              ReadFields(item, path, RuleFields(&rule), {}, problems);
              if (item.kind == Value::Kind::kMapping && item.Find("match") == nullptr) {
                problems->push_back({item.where, path + ": this rule has no match: add one"});
              }
              options->rules.push_back(std::move(rule));
            }
          },
      .show =
          [options] {
            std::string list;
            for (auto& rule : options->rules) list += (list.empty() ? "" : ", ") + ShowRule(&rule);
            return "[" + list + "]";
          },
      .shape = {.kind = Shape::Kind::kList, .properties = ShapesOf(RuleFields(&none)), .required = "match"}};
}

}  // namespace

std::vector<Field> ObjectFields(pipeline::ObjectOptions* options) {
  auto fields = PropertyFields(&options->properties);
  fields.push_back(Bool("posix", &options->posix));
  fields.push_back(Text("mime_types", &options->mime_types, NotEmpty, kAnyButEmpty));
  fields.push_back(Rules(options));
  return fields;
}

std::vector<FromEnvironment> ReadFromEnvironment(const Value& section) {
  std::vector<FromEnvironment> texts;
  if (!section.written.empty() && !section.text.empty()) {
    texts.push_back({s3::Secret(section.text), section.written});
  }
  const auto add = [&](const Value& value) {
    for (auto& text : ReadFromEnvironment(value)) texts.push_back(std::move(text));
  };
  for (const auto& item : section.items) add(item);
  for (const auto& entry : section.entries) add(entry.value);
  return texts;
}

namespace {

// Returns a placeholder for a hidden text. YAML and percent-encoding leave it unchanged, so that
// ShowVariables finds it again.
std::string PlaceholderOf(std::size_t index) { return fmt::format("s3flow-hidden-{}-", index); }

void Hide(const std::vector<FromEnvironment>& texts, ObjectProperties* properties) {
  const auto hidden = [&](const std::string& value) {
    const auto found = std::find_if(texts.begin(), texts.end(),
                                    [&](const auto& text) { return text.text.Reveal() == value; });
    return found == texts.end() ? value : PlaceholderOf(static_cast<std::size_t>(found - texts.begin()));
  };
  const auto entries = properties->entries();
  for (const auto& [name, value] : entries) {
    if (name != s3::kTaggingHeader) {
      properties->Set(name, hidden(value));
      continue;
    }
    auto tags = s3::ParseTagging(value);
    for (auto& tag : tags) tag.second = hidden(tag.second);
    properties->Set(name, s3::TaggingValue(tags));
  }
}

}  // namespace

void Hide(const std::vector<FromEnvironment>& texts, pipeline::ObjectOptions* options) {
  Hide(texts, &options->properties);
  for (auto& rule : options->rules) Hide(texts, &rule.properties);
}

std::string ShowVariables(const std::vector<FromEnvironment>& texts, bool with_digits, std::string shown) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto variables = YamlScalar(texts[i].written, true);
    if (with_digits) variables += " #" + CheckDigits(texts[i].text.Reveal());
    const auto placeholder = PlaceholderOf(i);
    for (auto at = shown.find(placeholder); at != std::string::npos; at = shown.find(placeholder, at)) {
      shown.replace(at, placeholder.size(), variables);
      at += variables.size();
    }
  }
  return shown;
}

void CheckObject(const Value& section, const pipeline::ObjectOptions& options,
                 std::vector<Problem>* problems) {
  CheckProperties(options.properties, section.where, "object", problems);
  const auto* rules = section.Find("rules");
  for (std::size_t i = 0; rules != nullptr && i < options.rules.size(); ++i) {
    // The section's properties, changed by the rule, must be valid, too.
    auto together = options.properties;
    together.Apply(options.rules[i].properties);
    CheckProperties(together, rules->items[i].where, "object.rules", problems);
  }
}

}  // namespace config

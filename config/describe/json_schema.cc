#include "config/describe/json_schema.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "config/descriptions.h"
#include "config/document.h"
#include "config/job.h"
#include "config/schema.h"

namespace config {
namespace {

using Json = nlohmann::ordered_json;

// A text with a variable is accepted everywhere, because only the loader knows its value.
constexpr char kVariable[] = "\\$\\{[A-Za-z_]";

// Returns the JSON value of a YAML scalar, as YAML 1.2 reads one without quotes.
Json ScalarJson(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  std::int64_t integer = 0;
  const auto* const end = text.data() + text.size();
  if (std::from_chars(text.data(), end, integer) == std::from_chars_result{end, std::errc()}) return integer;
  double number = 0;
  if (std::from_chars(text.data(), end, number) == std::from_chars_result{end, std::errc()}) return number;
  return text;
}

Json ValueJson(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull: return nullptr;
    case Value::Kind::kScalar: return ScalarJson(value.text);
    case Value::Kind::kSequence: {
      auto list = Json::array();
      for (const auto& item : value.items) list.push_back(ValueJson(item));
      return list;
    }
    case Value::Kind::kMapping: {
      auto object = Json::object();
      for (const auto& entry : value.entries) object[entry.key] = ValueJson(entry.value);
      return object;
    }
  }
  return nullptr;
}

// Returns a YAML text as JSON. Its variables stay variables.
Json YamlJson(const std::string& yaml) {
  const auto keep = [](const std::string& name) { return std::optional("${" + name + "}"); };
  const auto document = ParseDocument("value: " + yaml, "", keep);
  const auto* value = document.root.Find("value");
  return value == nullptr ? Json(yaml) : ValueJson(*value);
}

std::string Whole(const std::string& pattern) { return fmt::format("^(?:{})$|{}", pattern, kVariable); }

Json Words(const std::vector<std::string>& words) {
  auto values = Json::array();
  for (const auto& word : words) {
    // YAML reads true and false as booleans, unless they are in quotes.
    if (word == "true" || word == "false") values.push_back(word == "true");
    values.push_back(word);
  }
  return {{"enum", std::move(values)}};
}

Json Either(Json first, Json second) {
  return {{"anyOf", Json::array({std::move(first), std::move(second)})}};
}

// A text that YAML may read as a number or a boolean, such as a prefix of digits. `pattern` concerns only
// texts.
Json Text(const std::string& pattern) {
  Json schema{{"type", {"string", "number", "boolean"}}};
  if (!pattern.empty()) schema["pattern"] = Whole(pattern);
  return schema;
}

Json Number(const char* type, const Shape& shape) {
  Json schema{{"type", {type, "string"}}, {"pattern", Whole(shape.pattern)}};
  if (shape.minimum) schema["minimum"] = *shape.minimum;
  if (shape.maximum && *shape.maximum < UINT64_MAX) schema["maximum"] = *shape.maximum;
  return schema;
}

Json ShapeJson(const Shape& shape);

Json MappingJson(const Shape& shape) {
  Json schema{{"type", "object"}};
  for (const auto& [name, property] : shape.properties) schema["properties"][name] = ShapeJson(property);
  schema["additionalProperties"] = shape.properties.empty() ? Text(shape.pattern) : Json(false);
  if (!shape.names.empty()) schema["propertyNames"] = {{"pattern", fmt::format("^(?:{})$", shape.names)}};
  if (!shape.required.empty()) schema["required"] = Json::array({shape.required});
  if (shape.max_count) schema["maxProperties"] = *shape.max_count;
  if (!shape.is_one_property) return schema;
  schema["minProperties"] = schema["maxProperties"] = 1;
  return Either(Json{{"type", "string"}, {"pattern", Whole(shape.pattern)}}, std::move(schema));
}

Json WithoutWords(const Shape& shape) {
  switch (shape.kind) {
    case Shape::Kind::kText: return Text(shape.pattern);
    case Shape::Kind::kDuration: return {{"type", "string"}, {"pattern", Whole(shape.pattern)}};
    case Shape::Kind::kInteger: return Number("integer", shape);
    case Shape::Kind::kNumber: return Number("number", shape);
    case Shape::Kind::kWord: return {{"type", "string"}, {"pattern", kVariable}};
    case Shape::Kind::kTexts: {
      const auto text = Text(shape.pattern);
      return Either(text, Json{{"type", "array"}, {"items", text}});
    }
    case Shape::Kind::kMapping: return MappingJson(shape);
    case Shape::Kind::kList: {
      auto item = shape;
      item.kind = Shape::Kind::kMapping;
      return {{"type", "array"}, {"items", MappingJson(item)}};
    }
  }
  return true;
}

Json ShapeJson(const Shape& shape) {
  if (shape.words.empty()) return WithoutWords(shape);
  return Either(Words(shape.words), WithoutWords(shape));
}

const Description* Find(const std::string& key) {
  for (const auto all : {Descriptions(), FaultDescriptions()}) {
    for (const auto& entry : all) {
      if (entry.key == key) return &entry;
    }
  }
  return nullptr;
}

// Returns the schema of a mapping with these fields. `section` precedes their names in the descriptions.
Json SectionJson(const std::string& section, const std::vector<Field>& fields) {
  Json schema{{"type", "object"}, {"additionalProperties", false}};
  for (const auto& field : fields) {
    auto property = ShapeJson(field.shape);
    if (const auto* found = Find(fmt::format("{}.{}", section, field.name))) {
      property["description"] = found->meaning;
      property["examples"] = Json::array({YamlJson(found->example)});
    }
    // The default of some keys, such as the bucket, stands for "not given", and must not be given.
    auto value = YamlJson(field.show());
    const bool is_given = value != "" && !(value.is_number() && value < 0);
    if (is_given) property["default"] = std::move(value);
    schema["properties"][field.name] = std::move(property);
  }
  return schema;
}

Json Root(const char* title, const char* description) {
  return {{"$schema", "http://json-schema.org/draft-07/schema#"},
          {"title", title},
          {"description", description},
          {"type", "object"},
          {"additionalProperties", false}};
}

Json ListOf(Json item, const char* required) {
  item["required"] = Json::array({required});
  return {{"type", "array"}, {"minItems", 1}, {"items", std::move(item)}};
}

}  // namespace

std::string JobSchema() {
  auto schema = Root("s3flow job file", "What s3flow uploads, and where to.");
  schema["required"] = {"source", "destination"};
  pipeline::SourceRoot root;
  schema["properties"]["source"] = ListOf(SectionJson("source[]", SourceFields(&root)), "path");
  Job job;
  for (const auto& section : JobSections(&job.s3, &job.pipeline)) {
    schema["properties"][section.name] = SectionJson(section.name, section.fields);
  }
  schema["properties"]["destination"]["required"] = Json::array({"bucket"});
  return schema.dump(2);
}

std::string FaultsSchema() {
  auto schema = Root("s3flow faults file", "Faults that the embedded endpoint injects.");
  schema["required"] = Json::array({"faults"});
  s3::endpoint::FaultRule rule;
  schema["properties"]["faults"] = ListOf(SectionJson("faults[]", FaultFields(&rule)), "action");
  schema["properties"]["faults"].erase("minItems");
  return schema.dump(2);
}

}  // namespace config

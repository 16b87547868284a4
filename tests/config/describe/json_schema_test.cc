// tests/e2e/schema_test.py compares the schema with the loader, with a public validator.
#include "config/describe/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace config {
namespace json_schema_test {

using nlohmann::json;

json Properties(const char* section) { return json::parse(JobSchema())["properties"][section]["properties"]; }

TEST(JsonSchemaTest, TheJobNeedsASourceAndABucket) {
  const auto schema = json::parse(JobSchema());
  EXPECT_EQ(schema["required"], json({"source", "destination"}));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["source"]["minItems"], 1);
  EXPECT_EQ(schema["properties"]["source"]["items"]["required"], json::array({"path"}));
  EXPECT_EQ(schema["properties"]["destination"]["required"], json::array({"bucket"}));
}

TEST(JsonSchemaTest, ANumberIsAnIntegerInItsBoundsOrAText) {
  const auto attempts = Properties("retry")["max_attempts"];
  EXPECT_EQ(attempts["type"], json({"integer", "string"}));
  EXPECT_EQ(attempts["minimum"], 1);
  EXPECT_EQ(attempts["maximum"], 1000);
  EXPECT_EQ(attempts["default"], 8);
}

TEST(JsonSchemaTest, ATruthValueMayBeQuotedAndAVariableIsAlwaysAccepted) {
  const auto dualstack = Properties("destination")["dualstack"]["anyOf"];
  EXPECT_EQ(dualstack[0]["enum"], json({true, "true", false, "false"}));
  EXPECT_EQ(dualstack[1]["pattern"], "\\$\\{[A-Za-z_]");
}

TEST(JsonSchemaTest, AListIsAlsoOneText) {
  const auto include = json::parse(JobSchema())["properties"]["source"]["items"]["properties"]["include"];
  ASSERT_EQ(include["anyOf"].size(), 2u);
  EXPECT_EQ(include["anyOf"][1]["type"], "array");
  EXPECT_EQ(include["anyOf"][1]["items"], include["anyOf"][0]);
}

TEST(JsonSchemaTest, AMappingWithOneNameHasNoEmptyValue) {
  const auto mapping = Properties("limits")["on_failure"]["anyOf"][1]["anyOf"][1];
  EXPECT_EQ(mapping["maxProperties"], 1);
  EXPECT_EQ(mapping["properties"]["stop"]["type"], json({"string", "number", "boolean"}));
}

TEST(JsonSchemaTest, NoDefaultStandsForAKeyThatMustNotBeGiven) {
  EXPECT_FALSE(Properties("destination")["bucket"].contains("default"));
  EXPECT_TRUE(Properties("destination")["bucket"].contains("description"));
}

}  // namespace json_schema_test
}  // namespace config

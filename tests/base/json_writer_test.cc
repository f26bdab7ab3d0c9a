#include "base/json_writer.h"

#include <bit>
#include <cstdlib>
#include <limits>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/rfc3339.h"

namespace ctt {
namespace {

std::string Quoted(std::string_view text) {
  std::string json;
  AppendJsonString(json, text);
  return json;
}

struct Case {
  const char* why;
  std::string text;
  std::string json;
};

TEST(JsonWriterTest, StringsAreAlwaysValidUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  const Case cases[] = {
      {"plain", "abc", "\"abc\""},
      {"escapes", "\"\\/\b\n\r\t\x7F", "\"\\\"\\\\/\\u0008\\n\\r\\t\\u007f\""},
      {"NUL", std::string("a\0b", 3), "\"a\\u0000b\""},
      {"well-formed", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
       "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
      {"lone continuation", "\x80z", "\"" + bad + "z\""},
      {"overlong", "\xC0\xAF", "\"" + bad + bad + "\""},
      {"surrogate", "\xED\xA0\x80", "\"" + bad + bad + bad + "\""},
      {"past the end of Unicode", "\xF4\x90\x80\x80", "\"" + bad + bad + bad + bad + "\""},
      {"cut short is one broken part", "\xE2\x82", "\"" + bad + "\""},
      {"cut short, then text",
       "\xF0\x9F\x98"
       "A",
       "\"" + bad + "A\""},
  };
  for (const Case& row : cases) {
    EXPECT_EQ(Quoted(row.text), row.json) << row.why;
    EXPECT_TRUE(ParseJson(Quoted(row.text)).ok()) << row.why;
  }
}

TEST(JsonWriterTest, NumbersReadBackToTheSameBits) {
  for (const double number : {0.1, 1.0 / 3, 1e300, 5e-324, -0.0, 123456789.0}) {
    JsonWriter json;
    json.Number(number);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(std::strtod(json.json().c_str(), nullptr)),
              std::bit_cast<std::uint64_t>(number));
  }
  JsonWriter json;
  json.BeginArray().Number(0.93).Float(0.1F).Number(std::numeric_limits<double>::quiet_NaN());
  json.EndArray();
  EXPECT_EQ(json.json(), "[0.93,0.1,null]");
}

TEST(JsonWriterTest, CommasStandBetweenMembersOnly) {
  JsonWriter json;
  json.BeginObject().Field("a", 1).Key("b").BeginArray().BeginObject().EndObject().BeginArray();
  json.EndArray().EndArray().Field("c", "x").Field("d", true).Key("e").Null().EndObject();
  EXPECT_EQ(json.json(), R"({"a":1,"b":[{},[]],"c":"x","d":true,"e":null})");
}

TEST(Rfc3339Test, KnownInstants) {
  EXPECT_EQ(Rfc3339(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(Rfc3339(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(Rfc3339(951'782'400'000'001), "2000-02-29T00:00:00.000001Z");
  EXPECT_EQ(Rfc3339(std::numeric_limits<std::int64_t>::max()), "9999-12-31T23:59:59.999999Z");
}

}  // namespace
}  // namespace ctt

#pragma once
// JsonWriter: JSON text, written front to back.
//
// Always valid UTF-8: a byte that belongs to no well-formed sequence (RFC 3629: no overlong form,
// no surrogate, nothing past U+10FFFF) is written as U+FFFD, once per maximal broken part as
// Unicode chapter 3.9 recommends. Control characters, NUL among them, are escaped. A double is
// written in the fewest digits that read back to the same bits; NaN and infinities, which JSON
// lacks, as null.
//
//   JsonWriter json;
//   json.BeginObject().Field("task",
//   name).Key("labels").BeginArray().String("a").EndArray().EndObject();
//
// The caller balances the brackets and gives each member of an object its key. Threads: none
// shared.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctt {

// Appends `text` as a JSON string with its quotes.
void AppendJsonString(std::string& json, std::string_view text);

class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }

  JsonWriter& Key(std::string_view name);
  JsonWriter& String(std::string_view text);
  JsonWriter& Integer(std::int64_t number);
  JsonWriter& Number(double number);
  JsonWriter& Float(float number);  // The fewest digits that read back to the same float.
  JsonWriter& Bool(bool truth);
  JsonWriter& Null() { return Raw("null"); }
  JsonWriter& Strings(const std::vector<std::string>& strings);  // An array.
  JsonWriter& Raw(std::string_view json);  // REQUIRES: `json` is one JSON value.

  JsonWriter& Field(std::string_view name, std::string_view text) { return Key(name).String(text); }
  JsonWriter& Field(std::string_view name, const char* text) { return Key(name).String(text); }
  JsonWriter& Field(std::string_view name, std::int64_t number) {
    return Key(name).Integer(number);
  }
  JsonWriter& Field(std::string_view name, std::int32_t number) {
    return Key(name).Integer(number);
  }
  JsonWriter& Field(std::string_view name, double number) { return Key(name).Number(number); }
  JsonWriter& Field(std::string_view name, bool truth) { return Key(name).Bool(truth); }
  // null where there is none.
  template <typename T>
  JsonWriter& Optional(std::string_view name, const std::optional<T>& value) {
    return value ? Field(name, *value) : Key(name).Null();
  }

  std::string Take() && { return std::move(json_); }
  const std::string& json() const { return json_; }

 private:
  template <typename Real>
  JsonWriter& AnyNumber(Real number);
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();  // The comma before a value or key that is not the first.

  std::string json_;
  bool comma_ = false;
};

}  // namespace ctt

#include "http/body_fields.h"

namespace ctt::http {

Status WrongType(std::string_view key, std::string_view wanted) {
  return {Code::kInvalidArgument, "wrong_type",
          "'" + std::string(key) + "' must " + std::string(wanted)};
}

Result<json::object> ParseObject(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(json::value value, ParseJson(body));
  if (value.is_object()) return std::move(value.get_object());
  return Status(Code::kInvalidArgument, "wrong_type", "the body must be a JSON object");
}

Result<std::optional<std::int64_t>> IntegerIn(const json::object& object, std::string_view key,
                                              std::int64_t min, std::int64_t max) {
  CTT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> number, OptionalInteger(object, key));
  if (!number || (*number >= min && *number <= max)) return number;
  return Status(Code::kInvalidArgument, "out_of_range",
                "'" + std::string(key) + "' must be from " + std::to_string(min) + " to " +
                    std::to_string(max));
}

Result<const json::value*> RequiredValue(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value != nullptr && !value->is_null()) return value;
  return Status(Code::kInvalidArgument, "missing_field", "'" + std::string(key) + "' is missing");
}

Result<const json::array*> RequiredArray(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const json::value* const value, RequiredValue(object, key));
  if (value->is_array()) return &value->get_array();
  return WrongType(key, "be an array");
}

Result<const json::object*> OptionalObject(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return static_cast<const json::object*>(nullptr);
  if (value->is_object()) return &value->get_object();
  return WrongType(key, "be an object");
}

Result<std::vector<std::string>> Strings(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const json::array* const array, RequiredArray(object, key));
  std::vector<std::string> strings;
  for (const json::value& value : *array) {
    if (!value.is_string()) return WrongType(key, "hold strings only");
    strings.emplace_back(value.get_string());
  }
  return strings;
}

Result<std::vector<std::string>> RequiredStrings(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(std::vector<std::string> strings, Strings(object, key));
  if (!strings.empty()) return strings;
  return Status(Code::kInvalidArgument, "empty_request", "'" + std::string(key) + "' is empty");
}

Status CheckTextCount(std::size_t texts, std::int32_t texts_max) {
  if (texts <= static_cast<std::size_t>(texts_max)) return Status::Ok();
  return {Code::kTooLarge, "too_many_texts",
          "the call has " + std::to_string(texts) + " texts; at most " + std::to_string(texts_max) +
              " are allowed"};
}

}  // namespace ctt::http

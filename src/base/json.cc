#include "base/json.h"

#include <algorithm>
#include <vector>

#include "base/nearest.h"

namespace ctt {
namespace {

Status WrongType(std::string_view key, std::string_view wanted) {
  return {Code::kInvalidArgument, "wrong_type",
          "'" + std::string(key) + "' must be " + std::string(wanted)};
}

const json::value* Find(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

Result<json::value> ParseJson(std::string_view text) {
  json::stream_parser parser;
  boost::system::error_code error;
  const std::size_t parsed = parser.write_some(text.data(), text.size(), error);
  std::size_t where = parsed;
  if (!error) {
    const std::size_t rest = text.find_first_not_of(" \t\r\n", parsed);
    if (rest != std::string_view::npos) {
      return Status(Code::kInvalidArgument, "invalid_json",
                    "invalid JSON at byte " + std::to_string(rest) + ": text after the end");
    }
    parser.finish(error);
    where = text.size();
  }
  if (error) {
    return Status(Code::kInvalidArgument, "invalid_json",
                  "invalid JSON at byte " + std::to_string(where) + ": " + error.message());
  }
  return parser.release();
}

Result<std::optional<std::string>> OptionalString(const json::object& object,
                                                  std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return WrongType(key, "a string");
  return std::optional<std::string>(std::string(value->get_string()));
}

Result<std::optional<double>> OptionalNumber(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<double>();
  if (!value->is_number()) return WrongType(key, "a number");
  return std::optional<double>(value->to_number<double>());
}

Result<std::optional<std::int64_t>> OptionalInteger(const json::object& object,
                                                    std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<std::int64_t>();
  boost::system::error_code error;
  const auto number = value->is_number() ? value->to_number<std::int64_t>(error) : 0;
  if (!value->is_number() || error) return WrongType(key, "an integer");
  return std::optional<std::int64_t>(number);
}

Result<std::optional<bool>> OptionalBool(const json::object& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_bool()) return WrongType(key, "true or false");
  return std::optional<bool>(value->get_bool());
}

Result<std::string> RequiredString(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(std::optional<std::string> value, OptionalString(object, key));
  if (value) return *std::move(value);
  return Status(Code::kInvalidArgument, "missing_field", "'" + std::string(key) + "' is missing");
}

Status RefuseUnknownKeys(const json::object& object,
                         std::initializer_list<std::string_view> known) {
  for (const auto& member : object) {
    const std::string_view key = member.key();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::vector<std::string> names(known.begin(), known.end());
    return {Code::kInvalidArgument, "unknown_field",
            "unknown field '" + std::string(key.substr(0, 100)) + "'" + DidYouMean(key, names)};
  }
  return Status::Ok();
}

}  // namespace ctt

#pragma once
// JSON by Boost.JSON: parsing as a Result, and typed field access whose errors name the field.
// Threads: pure functions.
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "base/status.h"

namespace ctt {

namespace json = boost::json;

// kInvalidArgument with reason "invalid_json": the message says where (byte offset) and why.
// Nesting is bounded at 32 levels; invalid UTF-8 is an error.
Result<json::value> ParseJson(std::string_view text);

// Typed access to object[key]. Absent or null: nullopt. Wrong type: kInvalidArgument that names the
// key and the type wanted.
Result<std::optional<std::string>> OptionalString(const json::object& object, std::string_view key);
Result<std::optional<double>> OptionalNumber(const json::object& object, std::string_view key);
Result<std::optional<std::int64_t>> OptionalInteger(const json::object& object,
                                                    std::string_view key);
Result<std::optional<bool>> OptionalBool(const json::object& object, std::string_view key);

// As above; absent is kInvalidArgument with reason "missing_field".
Result<std::string> RequiredString(const json::object& object, std::string_view key);

// kInvalidArgument with reason "unknown_field" for the first key of `object` outside `known`; the
// message offers the nearest known one.
Status RefuseUnknownKeys(const json::object& object, std::initializer_list<std::string_view> known);

}  // namespace ctt

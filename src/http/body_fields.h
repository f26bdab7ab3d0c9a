#pragma once
// Fields of a JSON body, as every route reads them: typed, bounded, and named in the error. Pure
// functions over untrusted bytes; errors are those of requests.h.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace ctt::http {

constexpr std::int64_t kTopKMax = 10'000;  // Labels that a task may have (service::Limits).
constexpr std::int64_t kTimeoutMsMax = 60'000;

Result<json::object> ParseObject(std::string_view body);
Result<std::optional<std::int64_t>> IntegerIn(const json::object& object, std::string_view key,
                                              std::int64_t min, std::int64_t max);
Result<const json::value*> RequiredValue(const json::object& object, std::string_view key);
Result<const json::array*> RequiredArray(const json::object& object, std::string_view key);
// Null: absent or null.
Result<const json::object*> OptionalObject(const json::object& object, std::string_view key);
// Any number; at least one.
Result<std::vector<std::string>> Strings(const json::object& object, std::string_view key);
Result<std::vector<std::string>> RequiredStrings(const json::object& object, std::string_view key);
Status CheckTextCount(std::size_t texts, std::int32_t texts_max);
Status WrongType(std::string_view key, std::string_view wanted);

}  // namespace ctt::http

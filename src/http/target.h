#pragma once
// Target: the path and query of a request, decoded (RFC 9110 section 7.1, RFC 3986). Pure
// functions.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace ctt::http {

struct Target {
  std::vector<std::string> segments;  // "/v1/tasks/a%2Fb" -> {"v1", "tasks", "a/b"}; "/" -> {""}.
  std::vector<std::pair<std::string, std::string>> query;

  std::optional<std::string> Query(std::string_view name) const;  // The first of that name.
};

// Takes "/path?query" and "http://host/path?query". kInvalidArgument ("bad_target"): anything else,
// or a
// '%' that two hexadecimal digits do not follow.
Result<Target> ParseTarget(std::string_view target);

// An integer of the query. nullopt: absent. kInvalidArgument ("out_of_range"): no integer in [min,
// max].
Result<std::optional<std::int64_t>> QueryInteger(const Target& target, std::string_view name,
                                                 std::int64_t min, std::int64_t max);

}  // namespace ctt::http

#include "http/target.h"

#include <charconv>

namespace ctt::http {
namespace {

Status BadTarget(const char* why) { return {Code::kInvalidArgument, "bad_target", why}; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool PercentDecode(std::string_view text, bool plus_is_space, std::string& decoded) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' && plus_is_space ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

// Cuts the first part off `rest`, up to `separator`.
std::string_view TakePart(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool ParseQuery(std::string_view query, Target& target) {
  while (!query.empty()) {
    std::string_view value = TakePart(query, '&');
    const std::string_view name = TakePart(value, '=');
    std::pair<std::string, std::string> member;
    if (!PercentDecode(name, true, member.first) || !PercentDecode(value, true, member.second))
      return false;
    if (!name.empty()) target.query.push_back(std::move(member));
  }
  return true;
}

bool ParsePath(std::string_view path, Target& target) {
  path.remove_prefix(1);
  bool more = true;
  while (more) {
    more = path.find('/') != std::string_view::npos;
    std::string segment;
    if (!PercentDecode(TakePart(path, '/'), false, segment)) return false;
    target.segments.push_back(std::move(segment));
  }
  return true;
}

// "http://host:80/path" -> "/path".
std::string_view DropAuthority(std::string_view target) {
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

}  // namespace

std::optional<std::string> Target::Query(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

Result<Target> ParseTarget(std::string_view target) {
  std::string_view rest = DropAuthority(target);
  const std::string_view path = TakePart(rest, '?');
  if (!path.starts_with('/')) return BadTarget("the request target must begin with '/'");
  Target parsed;
  if (!ParsePath(path, parsed) || !ParseQuery(rest, parsed))
    return BadTarget("a '%' in the request target is not followed by two hexadecimal digits");
  return parsed;
}

Result<std::optional<std::int64_t>> QueryInteger(const Target& target, std::string_view name,
                                                 std::int64_t min, std::int64_t max) {
  const std::optional<std::string> text = target.Query(name);
  if (!text) return std::optional<std::int64_t>();
  std::int64_t number = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && number >= min && number <= max)
    return std::optional<std::int64_t>(number);
  return Status(Code::kInvalidArgument, "out_of_range",
                "'" + std::string(name) + "' must be an integer from " + std::to_string(min) +
                    " to " + std::to_string(max));
}

}  // namespace ctt::http

#pragma once
// What a request's headers say and what an answer is, without the library that reads and writes
// them. Plain values.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ctt::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view MethodName(Method method);  // "GET"; "OTHER" is never on the wire.

struct RequestHead {
  Method method = Method::kOther;
  std::string target;  // As sent: "/v1/tasks/a%20b?limit=3".
  std::int32_t host_count = 1;
  bool http_1_0 = false;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expects_continue = false;
  std::string content_type;
  std::string content_encoding;
  std::string request_id;                       // X-Request-Id
  std::string traceparent;                      // W3C Trace Context
  std::optional<std::string> idempotency_key;   // Idempotency-Key
  std::optional<std::string> if_match;          // If-Match
  std::optional<std::string> version_at_least;  // If-Version-At-Least
  std::string key;  // Of Authorization: Bearer, else X-Api-Key. Never to be logged.
};

struct Reply {
  int status = 200;
  std::string content_type;  // Empty: no body.
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

Reply JsonReply(std::string body, int status = 200);

}  // namespace ctt::http

#pragma once
// Problem: an error as a caller sees it, RFC 9457 application/problem+json. The one table from
// Status to HTTP is here. Pure functions.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "http/message.h"

namespace ctt::http {

struct Problem {
  int status = 500;
  std::string code;                // Stable word for programs.
  std::string detail;              // One sentence for people.
  std::string allow;               // With 405: the methods that the route has.
  std::int64_t retry_after_s = 0;  // With 429 and 503; 0: a second.
};

// 400 for what cannot be parsed, else by the status's code (base/status.h).
Problem ProblemOf(const Status& status);

Problem BodyTooLarge(std::int64_t bytes_max);

std::string_view StatusPhrase(int http_status);  // "Not Found".

// {"type":"about:blank","title","status","code","detail","request_id"}; Retry-After with 429 and
// 503, WWW-Authenticate with 401.
Reply ProblemReply(const Problem& problem, std::string_view request_id);

}  // namespace ctt::http

#include "http/problem.h"

#include <algorithm>

#include "base/json_writer.h"

namespace ctt::http {
namespace {

int HttpStatus(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
      return 200;
    case Code::kInvalidArgument: {
      const bool unreadable = status.reason() == "invalid_json" || status.reason() == "bad_target";
      return unreadable ? 400 : 422;
    }
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
      return status.reason() == "alias_moved" || status.reason() == "version_not_reached" ? 412
                                                                                          : 409;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kTooLarge:
      return 413;
    case Code::kResourceExhausted:
      return 429;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kUnavailable:
      return 503;
    case Code::kCancelled:
      return 499;
    case Code::kDataLoss:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

Problem ProblemOf(const Status& status) {
  return {HttpStatus(status),
          std::string(status.reason()),
          status.message(),
          {},
          status.retry_after_s()};
}

Problem BodyTooLarge(std::int64_t bytes_max) {
  return {413,
          "body_too_large",
          "the body of this request may have at most " + std::to_string(bytes_max) + " bytes",
          {}};
}

std::string_view StatusPhrase(int http_status) {
  switch (http_status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Internal Server Error";
  }
}

Reply ProblemReply(const Problem& problem, std::string_view request_id) {
  JsonWriter json;
  json.BeginObject()
      .Field("type", "about:blank")
      .Field("title", StatusPhrase(problem.status))
      .Field("status", static_cast<std::int32_t>(problem.status))
      .Field("code", problem.code)
      .Field("detail", problem.detail)
      .Field("request_id", request_id)
      .EndObject();
  Reply reply{problem.status, "application/problem+json", std::move(json).Take(), {}};
  if (!problem.allow.empty()) reply.headers.emplace_back("Allow", problem.allow);
  if (problem.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (problem.status == 429 || problem.status == 503) {
    const std::int64_t seconds = std::max<std::int64_t>(1, problem.retry_after_s);
    reply.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  return reply;
}

}  // namespace ctt::http

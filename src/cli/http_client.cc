#include "cli/http_client.h"

namespace ctt::cli {
namespace {

Code CodeOf(int http_status) {
  switch (http_status) {
    case 400:
    case 422:
      return Code::kInvalidArgument;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 409:
    case 412:
      return Code::kFailedPrecondition;
    case 413:
      return Code::kTooLarge;
    case 429:
      return Code::kResourceExhausted;
    case 503:
      return Code::kUnavailable;
    case 504:
      return Code::kDeadlineExceeded;
    default:
      return Code::kInternal;
  }
}

}  // namespace

Status Problem(const HttpAnswer& answer) {
  const Result<json::value> body = ParseJson(answer.body);
  if (!body.ok() || !body->is_object())
    return {CodeOf(answer.status), "the server answered " + std::to_string(answer.status)};
  const auto code = OptionalString(body->get_object(), "code");
  const auto detail = OptionalString(body->get_object(), "detail");
  return {CodeOf(answer.status), code.ok() ? code->value_or("") : "",
          detail.ok() ? detail->value_or("") : ""};
}

Result<HttpClient> HttpClient::Make(const std::string& url, const Settings& settings) {
  HttpClient client;
  CTT_ASSIGN_OR_RETURN(client.server_, ParseHttpUrl(url));
  if (!client.server_.path.empty())
    return InvalidArgument("'" + url + "' is not of the form http://HOST:PORT");
  client.key_ = settings.key;
  client.ca_file_ = settings.ca_file;
  return client;
}

Result<HttpAnswer> HttpClient::Call(const std::string& method, const std::string& target,
                                    const std::string& body, const std::string& content_type,
                                    std::int64_t timeout_ms) const {
  HttpCall call{method, target, {}, body, timeout_ms, ca_file_};
  if (!key_.empty()) call.headers.emplace_back("Authorization", "Bearer " + key_);
  if (!body.empty()) call.headers.emplace_back("Content-Type", content_type);
  return CallHttp(server_, call);
}

Result<json::object> HttpClient::Ask(const std::string& method, const std::string& target,
                                     const std::string& body) const {
  CTT_ASSIGN_OR_RETURN(const HttpAnswer answer, Call(method, target, body));
  if (answer.status < 200 || answer.status > 299) return Problem(answer);
  if (answer.body.empty()) return json::object();
  CTT_ASSIGN_OR_RETURN(json::value value, ParseJson(answer.body));
  if (!value.is_object()) return Internal("the server's answer is no JSON object");
  return std::move(value.get_object());
}

}  // namespace ctt::cli

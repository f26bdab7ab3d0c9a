#pragma once
// HttpClient: HTTP/1.1 calls to a ctt server, for --url and health checks.
//
// Threads: immutable after Make; share it as const. Each call opens a connection of its own.
#include <cstdint>
#include <string>

#include "base/http_call.h"
#include "base/json.h"
#include "base/status.h"
#include "cli/settings.h"

namespace ctt::cli {

// The problem that an answer describes, as the service's own Status. REQUIRES: it is no good one.
Status Problem(const HttpAnswer& answer);

class HttpClient {
 public:
  // `url` is http://HOST[:PORT][/] or https://..., port 80 or 443 when absent. kInvalidArgument:
  // anything else. settings.key is sent with every call, unless it is empty; settings.ca_file says
  // who may vouch for an https server, else the system does.
  static Result<HttpClient> Make(const std::string& url, const Settings& settings = {});

  // kUnavailable ("unreachable"): no connection, or it broke off, or nothing came for `timeout_ms`.
  Result<HttpAnswer> Call(const std::string& method, const std::string& target,
                          const std::string& body = "",
                          const std::string& content_type = "application/json",
                          std::int64_t timeout_ms = 300'000) const;

  // As Call, of JSON: the object of a good answer (empty when it has no body), or the Status that
  // the server's problem describes.
  Result<json::object> Ask(const std::string& method, const std::string& target,
                           const std::string& body = "") const;

  const std::string& host() const { return server_.host; }
  const std::string& port() const { return server_.port; }

 private:
  HttpClient() = default;
  HttpUrl server_;
  std::string key_;
  std::string ca_file_;
};

}  // namespace ctt::cli

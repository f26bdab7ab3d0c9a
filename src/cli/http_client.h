#pragma once
// HttpClient: plain HTTP/1.1 calls to a ctt server, for --url and health checks.
//
// Threads: immutable after Make; share it as const. Each call opens a connection of its own.
#include <cstdint>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/status.h"

namespace ctt::cli {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

class HttpClient {
 public:
  // `url` is http://HOST[:PORT][/], port 80 when absent. kInvalidArgument: anything else.
  // `key`: sent with every call, unless it is empty.
  static Result<HttpClient> Make(const std::string& url, const std::string& key = "");

  // kUnavailable ("unreachable"): no connection, or it broke off, or nothing came for `timeout_ms`.
  Result<HttpAnswer> Call(const std::string& method, const std::string& target,
                          const std::string& body = "",
                          const std::string& content_type = "application/json",
                          std::int64_t timeout_ms = 300'000) const;

  // As Call, of JSON: the object of a good answer (empty when it has no body), or the Status that
  // the server's problem describes.
  Result<json::object> Ask(const std::string& method, const std::string& target,
                           const std::string& body = "") const;

  const std::string& host() const { return host_; }
  const std::string& port() const { return port_; }

 private:
  HttpClient(std::string host, std::string port, std::string key)
      : host_(std::move(host)), port_(std::move(port)), key_(std::move(key)) {}
  std::string host_;
  std::string port_;
  std::string key_;
};

}  // namespace ctt::cli

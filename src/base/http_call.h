#pragma once
// One HTTP/1.1 call as a client, on a connection of its own, plain or through TLS.
//
// Threads: CallHttp blocks its caller and shares nothing.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace ctt {

struct HttpUrl {
  bool secure = false;
  std::string host;  // An address of IPv6 without its brackets.
  std::string port;  // "80" or "443" where the URL names none.
  std::string path;  // "/v1/traces"; empty: none, or only "/".

  std::string origin() const;  // "http://host:80"
};

// kInvalidArgument: not http://HOST[:PORT][/PATH] or https://...; a query or user name is refused.
Result<HttpUrl> ParseHttpUrl(const std::string& url);

struct HttpCall {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // Beside Host, User-Agent and length.
  std::string body;
  std::int64_t timeout_ms = 300'000;  // For each step: connecting, sending, receiving.
  std::string ca_file;  // PEM file of who may vouch for an https server; empty: the system's.
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// kUnavailable ("unreachable"): no connection, or it broke off, or nothing came in time.
Result<HttpAnswer> CallHttp(const HttpUrl& server, const HttpCall& call);

}  // namespace ctt

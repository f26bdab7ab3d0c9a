#include "base/http_call.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace ctt {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::uint64_t kAnswerBytesMax = 256u << 20;

// One call. Each step is asynchronous, because only then its deadline holds.
class Exchange {
 public:
  Exchange(std::int64_t timeout_ms, bool secure, const std::string& ca_file)
      : timeout_(timeout_ms), secure_(secure) {
    stream_.set_verify_mode(asio::ssl::verify_peer);
    if (!secure) return;
    ca_file.empty() ? tls_.set_default_verify_paths(setup_)
                    : tls_.load_verify_file(ca_file, setup_);
  }

  beast::error_code Connect(const std::string& host, const std::string& port) {
    beast::error_code error = setup_;
    if (error) return error;
    asio::ip::tcp::resolver resolver(io_);
    const auto found = resolver.resolve(host, port, error);
    if (error) return error;
    error = Step([&](auto done) { lowest().async_connect(found, done); });
    if (error || !secure_) return error;
    stream_.set_verify_callback(asio::ssl::host_name_verification(host));
    SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
    return Step([&](auto done) {
      stream_.async_handshake(asio::ssl::stream_base::client,
                              [done](beast::error_code outcome) { done(outcome, 0); });
    });
  }

  beast::error_code Send(const http::request<http::string_body>& request) {
    return Step([&](auto done) {
      secure_ ? http::async_write(stream_, request, done)
              : http::async_write(lowest(), request, done);
    });
  }

  beast::error_code Receive() {
    parser_.body_limit(kAnswerBytesMax);
    return Step([&](auto done) {
      secure_ ? http::async_read(stream_, buffer_, parser_, done)
              : http::async_read(lowest(), buffer_, parser_, done);
    });
  }

  HttpAnswer answer() {
    return {static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body())};
  }

 private:
  template <typename Start>
  beast::error_code Step(Start start) {
    beast::error_code outcome;
    lowest().expires_after(timeout_);
    start([&outcome](beast::error_code error, const auto&) { outcome = error; });
    io_.restart();
    io_.run();
    return outcome;
  }
  beast::tcp_stream& lowest() { return stream_.next_layer(); }

  const std::chrono::milliseconds timeout_;
  const bool secure_;
  asio::io_context io_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  beast::error_code setup_;
  beast::ssl_stream<beast::tcp_stream> stream_{io_, tls_};
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

std::string HttpUrl::origin() const {
  return (secure ? "https://" : "http://") + host + ":" + port;
}

Result<HttpUrl> ParseHttpUrl(const std::string& url) {
  const Status wrong = InvalidArgument("'" + url + "' is not of the form http://HOST:PORT");
  HttpUrl parsed;
  parsed.secure = url.starts_with("https://");
  if (!parsed.secure && !url.starts_with("http://")) return wrong;
  std::string_view rest = std::string_view(url).substr(url.find("//") + 2);
  const std::size_t path = std::min(rest.find('/'), rest.size());
  parsed.path = rest.substr(path);
  if (parsed.path == "/") parsed.path.clear();
  if (parsed.path.find_first_of("?#") != std::string::npos) return wrong;
  rest = rest.substr(0, path);
  const bool bracketed = rest.starts_with('[');  // [ADDRESS] of IPv6.
  const std::size_t host_end = bracketed ? rest.find(']') : rest.find(':');
  parsed.host = rest.substr(bracketed, host_end - bracketed);
  parsed.port = parsed.secure ? "443" : "80";
  if (parsed.host.empty() || parsed.host.find_first_of("?#@[]") != std::string::npos) return wrong;
  if (bracketed && host_end == std::string_view::npos) return wrong;
  rest.remove_prefix(std::min(rest.size(), host_end + bracketed));
  if (rest.empty()) return parsed;
  std::uint16_t port = 0;
  const char* end = rest.data() + rest.size();
  const auto [last, error] = std::from_chars(rest.data() + 1, end, port);
  if (rest[0] != ':' || error != std::errc() || last != end) return wrong;
  parsed.port = std::to_string(port);
  return parsed;
}

Result<HttpAnswer> CallHttp(const HttpUrl& server, const HttpCall& call) {
  http::request<http::string_body> request;
  request.method_string(call.method);
  request.target(call.target);
  request.set(http::field::host, server.host + ":" + server.port);
  request.set(http::field::user_agent, "ctt");
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : call.headers) request.set(name, value);
  request.body() = call.body;
  request.prepare_payload();

  Exchange exchange(call.timeout_ms, server.secure, call.ca_file);
  beast::error_code error = exchange.Connect(server.host, server.port);
  if (!error) error = exchange.Send(request);
  if (!error) error = exchange.Receive();
  if (!error) return exchange.answer();
  return Status(Code::kUnavailable, "unreachable", server.origin() + ": " + error.message());
}

}  // namespace ctt

#include "cli/http_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace ctt::cli {
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
  const Status wrong = InvalidArgument("'" + url + "' is not of the form http://HOST:PORT");
  HttpClient client;
  client.secure_ = url.starts_with("https://");
  if (!client.secure_ && !url.starts_with("http://")) return wrong;
  std::string_view rest = std::string_view(url).substr(url.find("//") + 2);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const bool bracketed = rest.starts_with('[');  // [ADDRESS] of IPv6.
  const std::size_t host_end = bracketed ? rest.find(']') : rest.find(':');
  client.host_ = rest.substr(bracketed, host_end - bracketed);
  client.port_ = client.secure_ ? "443" : "80";
  client.key_ = settings.key;
  client.ca_file_ = settings.ca_file;
  if (client.host_.empty() || client.host_.find_first_of("/?#@[]") != std::string::npos)
    return wrong;
  if (bracketed && host_end == std::string_view::npos) return wrong;
  rest.remove_prefix(std::min(rest.size(), host_end + bracketed));
  if (rest.empty()) return client;
  std::uint16_t port = 0;
  const char* end = rest.data() + rest.size();
  const auto [last, error] = std::from_chars(rest.data() + 1, end, port);
  if (rest[0] != ':' || error != std::errc() || last != end) return wrong;
  client.port_ = std::to_string(port);
  return client;
}

Result<HttpAnswer> HttpClient::Call(const std::string& method, const std::string& target,
                                    const std::string& body, const std::string& content_type,
                                    std::int64_t timeout_ms) const {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(target);
  request.set(http::field::host, host_ + ":" + port_);
  request.set(http::field::user_agent, "ctt");
  request.set(http::field::connection, "close");
  if (!key_.empty()) request.set(http::field::authorization, "Bearer " + key_);
  if (!body.empty()) request.set(http::field::content_type, content_type);
  request.body() = body;
  request.prepare_payload();

  Exchange exchange(timeout_ms, secure_, ca_file_);
  beast::error_code error = exchange.Connect(host_, port_);
  if (!error) error = exchange.Send(request);
  if (!error) error = exchange.Receive();
  if (error) {
    return Status(
        Code::kUnavailable, "unreachable",
        (secure_ ? "https://" : "http://") + host_ + ":" + port_ + ": " + error.message());
  }
  return exchange.answer();
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

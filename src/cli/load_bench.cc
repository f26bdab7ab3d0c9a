#include "cli/load_bench.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace ctt::cli {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using Instant = SteadyClock::time_point;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

std::chrono::nanoseconds Seconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

std::string RequestBytes(const LoadOptions& options, const std::string& body) {
  std::string bytes = "POST " + options.path + " HTTP/1.1\r\nHost: " + options.host + ":" +
                      options.port + "\r\nContent-Type: application/json\r\n";
  if (!options.key.empty()) bytes += "Authorization: Bearer " + options.key + "\r\n";
  return bytes + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Load {
 public:
  Load(const LoadOptions& options, const std::vector<std::string>& bodies) : options_(options) {
    for (const std::string& body : bodies) requests_.push_back(RequestBytes(options, body));
  }

  Result<LoadResult> Run() {
    error_code error;
    targets_ = tcp::resolver(io_).resolve(options_.host, options_.port, error);
    if (error) return Unreachable(error);
    start_ = SteadyClock::now();
    counted_from_ = start_ + Seconds(options_.warmup_seconds);
    last_answer_ = counted_from_;  // Until one comes.
    end_ = counted_from_ + Seconds(options_.seconds);
    for (std::int32_t i = 0; i < options_.connections; ++i)
      asio::co_spawn(io_, Client(), [](const std::exception_ptr&) {});
    io_.run();
    if (result_.latencies_ms.empty() && first_error_) return Unreachable(*first_error_);
    std::sort(result_.latencies_ms.begin(), result_.latencies_ms.end());
    result_.seconds = std::chrono::duration<double>(last_answer_ - counted_from_).count();
    if (options_.rate > 0) {
      const auto due =
          static_cast<std::int64_t>((options_.warmup_seconds + options_.seconds) * options_.rate);
      result_.unsent = std::max<std::int64_t>(0, due - next_);
    }
    return std::move(result_);
  }

 private:
  Status Unreachable(const error_code& error) const {
    return {Code::kUnavailable, "unreachable",
            "http://" + options_.host + ":" + options_.port + ": " + error.message()};
  }

  // The instant at which the next request is due; nothing: the time is over.
  std::optional<Instant> NextDue() {
    const Instant now = SteadyClock::now();
    const std::int64_t number = next_;
    const Instant due =
        options_.rate > 0 ? start_ + Seconds(static_cast<double>(number) / options_.rate) : now;
    if (due >= end_ || now >= end_) return std::nullopt;
    ++next_;
    return due;
  }

  awaitable<void> Client() {
    asio::steady_timer timer(io_);
    tcp::socket socket(io_);
    boost::beast::flat_buffer buffer;
    for (std::optional<Instant> due = NextDue(); due; due = NextDue()) {
      const std::string& request =
          requests_[static_cast<std::size_t>(next_ - 1) % requests_.size()];
      if (*due > SteadyClock::now()) {
        timer.expires_at(*due);
        co_await timer.async_wait(kAwait);
      }
      const int status = co_await Ask(socket, buffer, request);
      Count(*due, status);
    }
  }

  // The status of the answer; 0: the connection failed, and the next request opens another.
  awaitable<int> Ask(tcp::socket& socket, boost::beast::flat_buffer& buffer,
                     const std::string& request) {
    error_code failed;
    if (!socket.is_open()) {
      const auto [error, endpoint] = co_await asio::async_connect(socket, targets_, kAwait);
      failed = error;
      error_code ignored;
      if (!error) socket.set_option(tcp::no_delay(true), ignored);
    }
    if (!failed) {
      const auto [error, size] = co_await asio::async_write(socket, asio::buffer(request), kAwait);
      failed = error;
    }
    http::response_parser<http::string_body> parser;
    if (!failed) {
      const auto [error, size] = co_await http::async_read(socket, buffer, parser, kAwait);
      failed = error;
    }
    if (failed && !first_error_) first_error_ = failed;
    if (failed || !parser.keep_alive()) {
      error_code ignored;
      socket.close(ignored);
      buffer.clear();
    }
    co_return failed ? 0 : static_cast<int>(parser.get().result_int());
  }

  void Count(Instant due, int status) {
    if (due < counted_from_) return;
    last_answer_ = SteadyClock::now();
    ++result_.answers[status];
    if (status != 200) return;
    result_.latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(last_answer_ - due).count());
  }

  const LoadOptions& options_;
  std::vector<std::string> requests_;
  asio::io_context io_{1};
  tcp::resolver::results_type targets_;
  Instant start_, counted_from_, end_, last_answer_;
  std::int64_t next_ = 0;
  std::optional<error_code> first_error_;
  LoadResult result_;
};

}  // namespace

Result<LoadResult> RunLoad(const LoadOptions& options, const std::vector<std::string>& bodies) {
  return Load(options, bodies).Run();
}

}  // namespace ctt::cli

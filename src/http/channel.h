#pragma once
// Channel: a client's socket, plain or inside TLS, as one stream that Asio and Beast read and
// write.
//
// Threads: belongs to its loop.
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace ctt::http {

using TlsContextPtr = std::shared_ptr<boost::asio::ssl::context>;

class Channel {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using executor_type = Socket::executor_type;

  // `tls` null: plain. REQUIRES otherwise: Handshake before the first byte.
  Channel(Socket socket, TlsContextPtr tls) : socket_(std::move(socket)), context_(std::move(tls)) {
    if (context_ != nullptr) tls_.emplace(socket_, *context_);
  }

  Channel(const Channel&) = delete;  // The TLS stream points at the socket.
  Channel& operator=(const Channel&) = delete;

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  bool secure() const { return tls_.has_value(); }

  // REQUIRES: secure().
  template <typename Token>
  auto Handshake(Token&& token) {
    return tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Token>(token));
  }
  // Says goodbye, so that the client can tell the end from a cut.
  template <typename Token>
  auto Goodbye(Token&& token) {
    return tls_->async_shutdown(std::forward<Token>(token));
  }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& into) {
          tls_ ? tls_->async_read_some(into, std::move(handler))
               : socket_.async_read_some(into, std::move(handler));
        },
        token, buffers);
  }
  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, const Buffers& from) {
          tls_ ? tls_->async_write_some(from, std::move(handler))
               : socket_.async_write_some(from, std::move(handler));
        },
        token, buffers);
  }

 private:
  Socket socket_;
  TlsContextPtr context_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
};

}  // namespace ctt::http

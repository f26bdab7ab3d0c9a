#pragma once
// A plain blocking socket for tests: sends any bytes, reads answers as they come.
#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ctt::http {

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval timeout{5, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  void Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void EndSending() { ::shutdown(socket_, SHUT_WR); }

  // One answer: its headers and the body that Content-Length names. Less when the server closed.
  std::string Answer(bool has_body = true) {
    while (held_.find("\r\n\r\n") == std::string::npos)
      if (!Read()) return std::move(held_);
    const std::size_t head = held_.find("\r\n\r\n") + 4;
    const std::size_t field = held_.find("Content-Length: ");
    const std::size_t body = has_body && field < head ? std::stoul(held_.substr(field + 16)) : 0;
    while (held_.size() < head + body)
      if (!Read()) break;
    const std::string answer = held_.substr(0, head + body);
    held_.erase(0, head + body);
    return answer;
  }
  // Everything until the server closes.
  std::string Rest() {
    while (Read()) continue;
    return std::move(held_);
  }

 private:
  bool Read() {
    char bytes[4096];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    held_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  std::string held_;
};

}  // namespace ctt::http

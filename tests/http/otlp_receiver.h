#pragma once
// A collector for tests: takes what is posted to it, one connection after another, and answers each
// request with the status given.
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/guarded.h"

namespace ctt::http {

class OtlpReceiver {
 public:
  explicit OtlpReceiver(int status = 200)
      : status_(status), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    // A status of 0 accepts in the kernel alone, and never answers.
    if (status_ != 0) thread_ = std::thread([this] { Serve(); });
  }
  ~OtlpReceiver() {
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  OtlpReceiver(const OtlpReceiver&) = delete;
  OtlpReceiver& operator=(const OtlpReceiver&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  // Whole requests, headers included.
  std::vector<std::string> requests() const {
    return requests_.With([](const auto& all) { return all; });
  }

 private:
  void Serve() {
    for (int client = 0; (client = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(client)) {
      std::string request = Receive(client);
      requests_.With([&](auto& all) { all.push_back(std::move(request)); });
      const std::string answer = "HTTP/1.1 " + std::to_string(status_) +
                                 " X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
      (void)::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
  static std::string Receive(int client) {
    std::string got;
    char piece[16 * 1024];
    while (true) {
      const std::size_t end = got.find("\r\n\r\n");
      const std::size_t field = got.find("Content-Length: ");
      if (end != std::string::npos && field < end &&
          got.size() >= end + 4 + std::stoul(got.substr(field + 16)))
        return got;
      const ssize_t size = ::recv(client, piece, sizeof piece, 0);
      if (size <= 0) return got;
      got.append(piece, static_cast<std::size_t>(size));
    }
  }

  const int status_;
  const int listener_;
  std::uint16_t port_ = 0;
  Guarded<std::vector<std::string>> requests_;
  std::thread thread_;
};

}  // namespace ctt::http

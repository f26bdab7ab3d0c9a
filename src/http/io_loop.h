#pragma once
// IoLoop: one thread with its sockets. Connections are spread over a few of them and never move, so
// nothing of a connection is locked. A sweep twice a second cuts what is past its deadline.
//
// Threads: Post, Start and Stop from any; the rest from the loop's own.
#include <cstdint>
#include <functional>
#include <set>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/guarded.h"
#include "http/loop.h"

namespace ctt::http {

// What the sweep and the drain see of a connection.
class Sweepable {
 public:
  virtual ~Sweepable() = default;
  virtual void Sweep(std::int64_t now_us) = 0;
  virtual void Drain() = 0;  // Close when idle; after the present request otherwise.
  virtual void Cut() = 0;    // Close now.
};

class IoLoop final : public Loop {
 public:
  IoLoop();
  ~IoLoop() override;

  void Post(std::function<void()> work) override;
  void After(std::int64_t delay_ms, std::function<void()> work) override;

  void Start();
  void Stop();  // Returns when the thread has ended; drops what is posted.

  boost::asio::io_context& context() { return context_; }
  void Add(Sweepable* connection) { connections_.insert(connection); }
  void Remove(Sweepable* connection) { connections_.erase(connection); }
  void ForEach(const std::function<void(Sweepable&)>& visit);
  std::int64_t NowMicros() const;  // Steady.

 private:
  void Run();
  void SweepLater();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweep_timer_;
  std::set<Sweepable*> connections_;
  Guarded<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace ctt::http

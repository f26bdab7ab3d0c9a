#pragma once
// IoLoop: one thread with its sockets. Connections are spread over a few of them and never move, so
// nothing of a connection is locked. A sweep twice a second cuts what is past its deadline.
//
// Threads: Post, Start and Stop from any; the rest from the loop's own.
#include <cstdint>
#include <functional>
#include <memory>
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
  IoLoop() = default;
  ~IoLoop() override;

  void Post(std::function<void()> work) override;
  void After(std::int64_t delay_ms, std::function<void()> work) override;

  void Start();
  // Returns when the thread has ended; destroys what is posted and what waits, connections
  // included.
  void Stop();

  boost::asio::io_context& context() { return engine_->context; }  // REQUIRES: not stopped.
  void Add(Sweepable* connection) { connections_.insert(connection); }
  void Remove(Sweepable* connection) { connections_.erase(connection); }
  void ForEach(const std::function<void(Sweepable&)>& visit);
  std::int64_t NowMicros() const;  // Steady.

 private:
  struct Engine {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        context.get_executor()};
    boost::asio::steady_timer sweep_timer{context};
  };
  void Run();
  void SweepLater();

  std::unique_ptr<Engine> engine_ = std::make_unique<Engine>();  // Null once stopped.
  std::set<Sweepable*> connections_;
  Guarded<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace ctt::http

#pragma once
// BlockingPool: a few threads for the verbs that wait on the database or the encoder, so that no
// I/O thread ever does. The queue is bounded. Threads: every call is safe from any thread.
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace ctt::http {

class BlockingPool {
 public:
  BlockingPool(std::int32_t threads, std::int32_t queue_max);
  ~BlockingPool();  // Runs what was accepted, then joins.
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  bool TryRun(std::function<void()> work);  // false: queue_max calls wait already.

 private:
  struct Queue {
    std::deque<std::function<void()>> waiting;
    bool stopping = false;
  };
  void Work();

  const std::size_t queue_max_;
  Guarded<Queue> queue_;
  std::vector<std::thread> threads_;
};

}  // namespace ctt::http

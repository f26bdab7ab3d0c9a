#include "http/blocking_pool.h"

#include <utility>

#include "base/thread.h"

namespace ctt::http {

BlockingPool::BlockingPool(std::int32_t threads, std::int32_t queue_max)
    : queue_max_(static_cast<std::size_t>(queue_max)) {
  for (std::int32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

BlockingPool::~BlockingPool() {
  queue_.With([](Queue& queue) { queue.stopping = true; });
  queue_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

bool BlockingPool::TryRun(std::function<void()> work) {
  const bool taken = queue_.With([&](Queue& queue) {
    if (queue.waiting.size() >= queue_max_) return false;
    queue.waiting.push_back(std::move(work));
    return true;
  });
  if (taken) queue_.NotifyOne();
  return taken;
}

void BlockingPool::Work() {
  NameThread("ctt-blocking");
  while (true) {
    const std::function<void()> work =
        queue_.Await([](const Queue& queue) { return queue.stopping || !queue.waiting.empty(); },
                     [](Queue& queue) {
                       if (queue.waiting.empty()) return std::function<void()>();
                       std::function<void()> next = std::move(queue.waiting.front());
                       queue.waiting.pop_front();
                       return next;
                     });
    if (!work) return;
    work();
  }
}

}  // namespace ctt::http

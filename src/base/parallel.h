#pragma once
// One loop on several threads. What the tasks write must not depend on who runs which: that is what
// keeps results the same bits at every thread count.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace ctt {

// task(0) ... task(count - 1), each once, on at most `threads` threads, the caller's among them;
// returns when all are done. REQUIRES: tasks do not throw.
template <typename Task>
void ParallelFor(int threads, std::size_t count, const Task& task) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t at; (at = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(at);
  };
  std::vector<std::jthread> others;
  const auto helpers = std::min(static_cast<std::size_t>(std::max(threads, 1)), count);
  for (std::size_t at = 1; at < helpers; ++at) others.emplace_back(run);
  run();
}

}  // namespace ctt

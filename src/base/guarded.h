#pragma once
// Guarded<T> owns a mutex and the data behind it, so that access without the lock does not compile.
#include <condition_variable>
#include <mutex>
#include <utility>

namespace ctt {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  // Calls body(T&) with the lock held and returns what it returns. Do not keep the reference.
  template <typename Body>
  auto With(Body&& body) {
    const std::lock_guard lock(mutex_);
    return std::forward<Body>(body)(value_);
  }
  template <typename Body>
  auto With(Body&& body) const {
    const std::lock_guard lock(mutex_);
    return std::forward<Body>(body)(value_);
  }
  // Sleeps until ready(T&) holds, then calls body(T&), all under the lock. Wake it by Notify().
  template <typename Ready, typename Body>
  auto Await(Ready&& ready, Body&& body) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready(value_); });
    return std::forward<Body>(body)(value_);
  }
  // Sleeps until ready(T&) holds or `duration` is over.
  template <typename Duration, typename Ready>
  void AwaitFor(Duration duration, Ready&& ready) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, duration, [&] { return ready(value_); });
  }
  void NotifyOne() { changed_.notify_one(); }
  void NotifyAll() { changed_.notify_all(); }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_;
};

}  // namespace ctt

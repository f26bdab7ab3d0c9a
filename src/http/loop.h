#pragma once
// Loop: the thread that owns a connection, as the rest of the room sees it. What is posted runs
// there, in order, so that the state of a request needs no lock.
#include <cstdint>
#include <functional>

namespace ctt::http {

class Loop {
 public:
  virtual ~Loop() = default;
  // From any thread. Dropped when the loop has stopped.
  virtual void Post(std::function<void()> work) = 0;
  // From the loop's thread only.
  virtual void After(std::int64_t delay_ms, std::function<void()> work) = 0;
};

}  // namespace ctt::http

#pragma once
// Follower: hears that other processes wrote to the log, and has the learner and the key ring catch
// up. What it hears is a hint: it also looks every kLookMs, so that nothing that was missed stays
// unknown.
//
// Threads: one of its own; made and destroyed by another.
#include <atomic>
#include <thread>

#include "service/key_ring.h"
#include "service/learner.h"
#include "store/store.h"

namespace ctt::service {

class Follower {
 public:
  static constexpr int kLookMs = 500;

  // All must outlive it. REQUIRES: log.shared().
  Follower(store::Store& log, Learner& learner, KeyRing& keys);
  ~Follower();  // Within kLookMs, or the time that a connection takes to fail.
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

 private:
  void Run();

  store::Store& log_;
  Learner& learner_;
  KeyRing& keys_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ctt::service

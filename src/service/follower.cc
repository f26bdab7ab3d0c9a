#include "service/follower.h"

#include <chrono>

namespace ctt::service {
namespace {

// Keys change seldom, and a revoked one must not live on for long.
constexpr int kLooksPerKeyReading = 4;

}  // namespace

Follower::Follower(store::Store& log, Learner& learner, KeyRing& keys)
    : log_(log), learner_(learner), keys_(keys), thread_([this] { Run(); }) {}

Follower::~Follower() {
  stopping_ = true;
  thread_.join();
}

void Follower::Run() {
  for (int look = 1; !stopping_; ++look) {
    log_.AwaitChange(std::chrono::milliseconds(kLookMs));
    if (stopping_) return;
    learner_.Follow();
    if (look % kLooksPerKeyReading == 0)
      (void)keys_.Reload();  // The next reading makes up for a failure.
  }
}

}  // namespace ctt::service

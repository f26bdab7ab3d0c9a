#include "http/version_wait.h"

#include <charconv>
#include <memory>
#include <string>

namespace ctt::http {
namespace {

constexpr std::int64_t kPauseMs = 2;

struct Waiting {
  service::Service& service;
  std::shared_ptr<Loop> loop;
  const Clock& clock;
  std::string task;
  std::int64_t version;
  std::int64_t end_us;
  std::function<void(const Status&)> then;
};

void Look(const std::shared_ptr<Waiting>& wait) {
  const std::int64_t known = wait->service.KnownVersion(wait->task);
  if (known >= wait->version) return wait->then(Status::Ok());
  if (wait->clock.SteadyMicros() >= wait->end_us) {
    return wait->then(Status(Code::kFailedPrecondition, "version_not_reached",
                             "this server knows version " + std::to_string(known) +
                                 " of the task so far: ask again, or the server that learned")
                          .WithRetryAfter(1));
  }
  wait->loop->After(kPauseMs, [wait] { Look(wait); });
}

}  // namespace

void AwaitVersion(const Call& call, std::function<void(const Status&)> then) {
  const std::string* task = TaskOfPath(*call.route, call.params);
  const std::string& text = *call.head.version_at_least;
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (task == nullptr || error != std::errc() || end != text.data() + text.size() || version < 1) {
    return then({Code::kInvalidArgument, "bad_version_at_least",
                 "If-Version-At-Least holds one version number, for a route that has its task in "
                 "the path"});
  }
  Look(std::make_shared<Waiting>(
      Waiting{call.service(), call.loop, call.server.clock, *task, version,
              call.server.clock.SteadyMicros() + kVersionWaitMs * 1000, std::move(then)}));
}

}  // namespace ctt::http

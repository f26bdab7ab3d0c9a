#include "http/io_loop.h"

#include <chrono>
#include <exception>
#include <memory>
#include <vector>

#include <boost/asio/post.hpp>

#include "base/thread.h"

namespace ctt::http {
namespace asio = boost::asio;

namespace {
constexpr auto kSweepEvery = std::chrono::milliseconds(500);
}

IoLoop::~IoLoop() { Stop(); }

void IoLoop::Post(std::function<void()> work) {
  stopped_.With([&](bool stopped) {
    if (!stopped) asio::post(engine_->context, std::move(work));
  });
}

void IoLoop::After(std::int64_t delay_ms, std::function<void()> work) {
  auto timer =
      std::make_shared<asio::steady_timer>(engine_->context, std::chrono::milliseconds(delay_ms));
  timer->async_wait([timer, work = std::move(work)](const boost::system::error_code& error) {
    if (!error) work();
  });
}

void IoLoop::Start() {
  SweepLater();
  thread_ = std::thread([this] { Run(); });
}

void IoLoop::Stop() {
  stopped_.With([](bool& stopped) { stopped = true; });
  if (engine_ == nullptr) return;
  engine_->context.stop();
  if (thread_.joinable()) thread_.join();
  engine_.reset();
}

// A handler that throws (out of memory) loses its own request; the loop goes on.
void IoLoop::Run() {
  NameThread("ctt-io");
  while (!engine_->context.stopped()) {
    try {
      engine_->context.run();
    } catch (const std::exception&) {
      continue;
    }
  }
}

void IoLoop::ForEach(const std::function<void(Sweepable&)>& visit) {
  const std::vector<Sweepable*> all(connections_.begin(), connections_.end());
  for (Sweepable* connection : all)
    if (connections_.contains(connection)) visit(*connection);
}

std::int64_t IoLoop::NowMicros() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

void IoLoop::SweepLater() {
  engine_->sweep_timer.expires_after(kSweepEvery);
  engine_->sweep_timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    ForEach([now_us = NowMicros()](Sweepable& connection) { connection.Sweep(now_us); });
    SweepLater();
  });
}

}  // namespace ctt::http

#include "cli/console.h"

#include <cstdio>
#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"

namespace ctt::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr int kBarWidth = 30;

}  // namespace

int PrintError(const Status& status) {
  fmt::print(stderr, "ctt: {}\n", status.message());
  return 1;
}

void PrintJson(const json::value& value) { std::cout << json::serialize(value) << std::endl; }

double SteadySeconds() { return static_cast<double>(SystemClock().SteadyMicros()) * 1e-6; }

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)),
      total_(total),
      shown_(::isatty(STDERR_FILENO) == 1),
      start_s_(SteadySeconds()) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void Progress::Set(std::int64_t done) {
  const double now_s = SteadySeconds();
  if (!shown_ || now_s - last_s_ < kRedrawSeconds) return;
  last_s_ = now_s;
  const double rate = static_cast<double>(done) / std::max(now_s - start_s_, 1e-9);
  if (total_ <= 0) {
    fmt::print(stderr, "\r\033[K{} {} rows, {:.0f} rows/s", what_, done, rate);
    return;
  }
  const int filled = static_cast<int>(kBarWidth * done / total_);
  fmt::print(stderr, "\r\033[K{} [{}{}] {}/{}, {:.0f} rows/s", what_, std::string(filled, '='),
             std::string(kBarWidth - filled, ' '), done, total_, rate);
}

}  // namespace ctt::cli

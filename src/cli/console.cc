#include "cli/console.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"

namespace ctt::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr int kBarWidth = 30;

void Write(const json::value& value, JsonWriter& out) {
  switch (value.kind()) {
    case json::kind::object:
      out.BeginObject();
      for (const json::key_value_pair& member : value.get_object()) {
        out.Key(member.key());
        Write(member.value(), out);
      }
      out.EndObject();
      break;
    case json::kind::array:
      out.BeginArray();
      for (const json::value& item : value.get_array()) Write(item, out);
      out.EndArray();
      break;
    case json::kind::string:
      out.String(value.get_string());
      break;
    case json::kind::double_:
      out.Number(value.get_double());
      break;
    default:  // Integers, booleans and null: Boost writes them as we want them.
      out.Raw(json::serialize(value));
  }
}

}  // namespace

void PrintError(const Status& status, bool as_json) {
  if (as_json) {
    fmt::print(stderr, "{}\n",
               JsonLine({{"error", {{"code", status.reason()}, {"message", status.message()}}}}));
  } else {
    fmt::print(stderr, "ctt: {}\n", status.message());
  }
}

std::string JsonLine(const json::value& value) {
  JsonWriter out;
  Write(value, out);
  return std::move(out).Take();
}

void PrintJson(const json::value& value) { fmt::print("{}\n", JsonLine(value)); }

double SteadySeconds() { return static_cast<double>(SystemClock().SteadyMicros()) * 1e-6; }

Progress::Progress(std::string what)
    : what_(std::move(what)), shown_(::isatty(STDERR_FILENO) == 1), start_s_(SteadySeconds()) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

void Progress::Set(std::int64_t rows, double fraction) {
  const double now_s = SteadySeconds();
  if (!shown_ || now_s - last_s_ < kRedrawSeconds) return;
  last_s_ = now_s;
  const double rate = static_cast<double>(rows) / std::max(now_s - start_s_, 1e-9);
  std::string bar;
  if (fraction >= 0) {
    const int filled = static_cast<int>(kBarWidth * std::min(fraction, 1.0));
    bar = fmt::format(" [{}{}] {:3.0f} %", std::string(filled, '='),
                      std::string(kBarWidth - filled, ' '), 100 * fraction);
  }
  fmt::print(stderr, "\r\033[K{}{} {} rows, {:.0f} rows/s", what_, bar, rows, rate);
}

}  // namespace ctt::cli

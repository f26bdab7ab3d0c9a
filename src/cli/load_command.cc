// ctt bench serve.
#include <algorithm>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/http_client.h"
#include "cli/row_file.h"

namespace ctt::cli {
namespace {

// Upper ends in milliseconds; a last one takes the rest.
constexpr double kHistogramMs[] = {0.25, 0.5, 1,  2,   3,   4,   5,   7.5, 10,   15,   20,
                                   30,   50,  75, 100, 150, 200, 300, 500, 1000, 2000, 5000};

double Percentile(const std::vector<double>& rising, double part) {
  if (rising.empty()) return 0;
  const auto rank = static_cast<std::size_t>(part * static_cast<double>(rising.size()));
  return rising[std::min(rank, rising.size() - 1)];
}

json::array Histogram(const std::vector<double>& rising) {
  json::array bars;
  auto from = rising.begin();
  for (const double end_ms : kHistogramMs) {
    const auto to = std::upper_bound(from, rising.end(), end_ms);
    bars.push_back({{"le_ms", end_ms}, {"count", to - from}});
    from = to;
  }
  bars.push_back({{"le_ms", nullptr}, {"count", rising.end() - from}});
  return bars;
}

json::object Describe(const LoadOptions& options, const LoadResult& result) {
  const std::vector<double>& rising = result.latencies_ms;
  std::int64_t all = 0;
  json::object answers;
  for (const auto& [status, count] : result.answers) {
    all += count;
    answers[std::to_string(status)] = count;
  }
  double sum = 0;
  for (const double ms : rising) sum += ms;
  json::object latency = {{"mean", rising.empty() ? 0 : sum / static_cast<double>(rising.size())},
                          {"p50", Percentile(rising, 0.5)},
                          {"p90", Percentile(rising, 0.9)},
                          {"p99", Percentile(rising, 0.99)},
                          {"p999", Percentile(rising, 0.999)},
                          {"max", rising.empty() ? 0 : rising.back()}};
  return {{"loop", options.rate > 0 ? "open" : "closed"},
          {"connections", options.connections},
          {"rate", options.rate},
          {"seconds", result.seconds},
          {"requests", all},
          {"requests_per_second",
           result.seconds > 0 ? static_cast<double>(rising.size()) / result.seconds : 0.0},
          {"answers", std::move(answers)},
          {"unsent", result.unsent},
          {"latency_ms", std::move(latency)},
          {"histogram", Histogram(rising)}};
}

Result<std::vector<std::string>> ReadBodies(const RowSource& source, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, false));
  CTT_ASSIGN_OR_RETURN(const std::vector<FileRow> rows, file.ReadAll());
  std::vector<std::string> bodies;
  for (const FileRow& row : rows)
    bodies.push_back(JsonLine(json::object{{"text", row.text}, {"task_id", task}}));
  if (bodies.empty()) return InvalidArgument(file.name() + " holds no text");
  return bodies;
}

}  // namespace

Status BenchServe(const CommandContext& context, const std::string& task, const RowSource& source,
                  LoadOptions options) {
  if (context.settings.url.empty()) return InvalidArgument("--url says which server to measure");
  CTT_ASSIGN_OR_RETURN(const HttpClient client,
                       HttpClient::Make(context.settings.url, context.settings));
  if (context.settings.url.starts_with("https://"))
    return InvalidArgument("the load is sent over plain http://");
  CTT_ASSIGN_OR_RETURN(const std::vector<std::string> bodies, ReadBodies(source, task));
  options.host = client.host();
  options.port = client.port();
  options.key = context.settings.key;
  CTT_ASSIGN_OR_RETURN(const LoadResult result, RunLoad(options, bodies));
  const json::object answer = Describe(options, result);
  if (context.json) {
    PrintJson(answer);
    return Status::Ok();
  }
  fmt::print("{:.0f} requests/s, answers by status {}, {} unsent\n",
             answer.at("requests_per_second").as_double(), json::serialize(answer.at("answers")),
             result.unsent);
  for (const auto& [name, value] : answer.at("latency_ms").as_object())
    fmt::print("{:<5} {:9.3f} ms\n", std::string(name), value.to_number<double>());
  return Status::Ok();
}

}  // namespace ctt::cli

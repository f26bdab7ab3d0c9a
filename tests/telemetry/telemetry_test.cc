#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/json.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/process_figures.h"
#include "telemetry/stage_times.h"
#include "telemetry/trace_context.h"

namespace ctt::telemetry {
namespace {

std::string Value(const std::string& text, const std::string& series) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  return "absent";
}

TEST(MetricsTest, EverySeriesOfTheContractIsThereAtStartWithZero) {
  Metrics metrics;
  metrics.AddRoute("/predict");
  const std::string text = metrics.Text();
  for (const char* series : {"inference_queue_depth",
                             "inference_queue_tokens",
                             "inference_queue_rejected_total",
                             "inference_deadline_exceeded_total",
                             "model_load_duration_seconds_count",
                             "inference_requests_total{route=\"/predict\",status=\"200\"}",
                             "inference_duration_seconds_count{route=\"/predict\"}",
                             "inference_duration_seconds_bucket{route=\"/predict\",le=\"0.0001\"}",
                             "ctt_learned_examples_total{task=\"other\"}",
                             "ctt_head_publish_duration_seconds_count",
                             "ctt_tasks",
                             "ctt_ready",
                             "ctt_catalog_lag_seconds",
                             "ctt_out_of_scope_total{task=\"other\"}",
                             "ctt_encode_tokens_total",
                             "ctt_isa_info{engine=\"none\",isa=\"none\"}",
                             "ctt_isa_fell_back",
                             "ctt_request_stage_duration_seconds_count{stage=\"parse\"}",
                             "ctt_request_stage_duration_seconds_count{stage=\"write\"}",
                             "ctt_trace_spans_exported_total",
                             "ctt_trace_spans_dropped_total"}) {
    EXPECT_EQ(Value(text, series), "0") << series;
  }
}

// The rules of `promtool check metrics` (Prometheus 2.42) that a name can break.
TEST(MetricsTest, NamesAreThoseOfPrometheus) {
  Metrics metrics;
  metrics.AddRoute("/predict");
  std::istringstream lines(metrics.Text());
  std::map<std::string, std::string> help, type;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ', 7);
    if (line.starts_with("# HELP ")) help[line.substr(7, space - 7)] = line.substr(space + 1);
    if (line.starts_with("# TYPE ")) type[line.substr(7, space - 7)] = line.substr(space + 1);
  }
  ASSERT_GT(type.size(), 30);
  for (const auto& [name, kind] : type) {
    EXPECT_FALSE(help[name].empty()) << name;
    EXPECT_EQ(name.ends_with("_total"), kind == "counter") << name;
    for (const char* part : {"_count", "_sum", "_bucket", "_milliseconds", "_ms", "_minutes",
                             "_kilobytes", "_kb", "_counter", "_gauge", "_histogram"})
      EXPECT_FALSE(name.ends_with(part)) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    if (kind != "histogram") continue;
    const std::string unit = name.substr(name.rfind('_'));
    EXPECT_TRUE(unit == "_seconds" || unit == "_texts") << name;
  }
}

TEST(MetricsTest, CountsWhatItIsTold) {
  Metrics metrics;
  metrics.AddRoute("/predict");
  metrics.CountRequest("/predict", 200, 0.002);
  metrics.CountRequest("/predict", 418, 0.002);
  metrics.CountRequest("/nowhere", 404, 0.001);
  metrics.CountPrediction("a", true);
  metrics.CountPrediction("a", false);
  metrics.CountLearned("a", 7);
  metrics.CountUnlearned("a", 2);
  metrics.CountEncoded(3, 36, 0.001);
  metrics.SetQueue(4, 50);
  metrics.SetBuild("1.2.3", "f32", "avx2", true);
  metrics.SetStore("directory");
  const std::string text = metrics.Text();
  EXPECT_EQ(Value(text, "ctt_store_info{kind=\"directory\"}"), "1");
  EXPECT_EQ(Value(text, "inference_requests_total{route=\"/predict\",status=\"200\"}"), "1");
  EXPECT_EQ(Value(text, "inference_requests_total{route=\"/predict\",status=\"418\"}"), "1");
  EXPECT_EQ(Value(text, "inference_requests_total{route=\"other\",status=\"404\"}"), "1");
  EXPECT_EQ(Value(text, "inference_duration_seconds_bucket{route=\"/predict\",le=\"0.001\"}"), "0");
  EXPECT_EQ(Value(text, "inference_duration_seconds_bucket{route=\"/predict\",le=\"0.0025\"}"),
            "2");
  EXPECT_EQ(Value(text, "ctt_predictions_total{task=\"a\"}"), "2");
  EXPECT_EQ(Value(text, "ctt_out_of_scope_total{task=\"a\"}"), "1");
  EXPECT_EQ(Value(text, "ctt_learned_examples_total{task=\"a\"}"), "7");
  EXPECT_EQ(Value(text, "ctt_unlearned_examples_total{task=\"a\"}"), "2");
  EXPECT_EQ(Value(text, "ctt_encode_tokens_total"), "36");
  EXPECT_EQ(Value(text, "inference_queue_tokens"), "50");
  EXPECT_EQ(Value(text, "ctt_isa_info{engine=\"f32\",isa=\"avx2\"}"), "1");
  EXPECT_EQ(Value(text, "ctt_isa_info{engine=\"none\",isa=\"none\"}"), "absent");
  EXPECT_EQ(Value(text, "ctt_isa_fell_back"), "1");
}

TEST(MetricsTest, TaskLabelsAreCapped) {
  Metrics metrics;
  for (std::size_t i = 0; i < Metrics::kTaskLabelsMax + 5; ++i)
    metrics.CountLearned("t" + std::to_string(i), 1);
  metrics.CountLearned("t0", 1);
  const std::string text = metrics.Text();
  EXPECT_EQ(Value(text, "ctt_learned_examples_total{task=\"other\"}"), "5");
  EXPECT_EQ(Value(text, "ctt_learned_examples_total{task=\"t0\"}"), "2");
}

TEST(MetricsTest, ProcessFiguresAreReal) {
  const ProcessFigures figures = ReadProcessFigures();
  EXPECT_GT(figures.resident_bytes, 1 << 20);
  EXPECT_GT(figures.virtual_bytes, figures.resident_bytes);
  EXPECT_GE(figures.open_fds, 3);
  EXPECT_GT(figures.max_fds, figures.open_fds);
  EXPECT_GE(figures.threads, 1);
  EXPECT_GT(figures.start_time_seconds, 1.6e9);
}

TEST(StageTimesTest, AStageBeginsWhereTheOneBeforeItEnded) {
  StageTimes times;
  times.Begin(10);
  times.End(Stage::kParse, 15);
  times.End(Stage::kWait, 40);
  times.Begin(50);
  times.End(Stage::kWrite, 51);
  EXPECT_EQ(times.At(Stage::kParse)->begin_us, 10);
  EXPECT_EQ(times.At(Stage::kParse)->end_us, 15);
  EXPECT_EQ(times.At(Stage::kWait)->begin_us, 15);
  EXPECT_EQ(times.At(Stage::kWait)->end_us, 40);
  EXPECT_EQ(times.At(Stage::kWrite)->begin_us, 50);
  EXPECT_FALSE(times.At(Stage::kEncode));
}

TEST(TraceContextTest, ReadsTraceparentAsTheRecommendationSays) {
  constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
  constexpr const char* kSpan = "00f067aa0ba902b7";
  const auto join = [](std::string a, std::string b, std::string c, std::string d) {
    return ParseTraceparent(a + "-" + b + "-" + c + "-" + d);
  };
  const auto good = join("00", kTrace, kSpan, "01");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->trace_id, kTrace);
  EXPECT_EQ(good->parent_id, kSpan);
  EXPECT_TRUE(good->sampled);
  EXPECT_FALSE(join("00", kTrace, kSpan, "fe")->sampled);  // Only the lowest bit counts.
  EXPECT_TRUE(join("00", kTrace, kSpan, "ff")->sampled);
  EXPECT_TRUE(join("cc", kTrace, kSpan, "01"));
  EXPECT_TRUE(join("cc", kTrace, kSpan, "01-later"));
  EXPECT_FALSE(join("cc", kTrace, kSpan, "01later"));
  EXPECT_FALSE(join("00", kTrace, kSpan, "01-later"));
  EXPECT_FALSE(join("ff", kTrace, kSpan, "01"));
  EXPECT_FALSE(join("00", std::string(32, '0'), kSpan, "01"));
  EXPECT_FALSE(join("00", kTrace, std::string(16, '0'), "01"));
  EXPECT_FALSE(join("00", "4BF92f3577b34da6a3ce929d0e0e4736", kSpan, "01"));
  EXPECT_FALSE(join("00", kTrace, kSpan, "0"));
  EXPECT_FALSE(join("00", kTrace, kSpan, "0g"));
  EXPECT_FALSE(ParseTraceparent(""));
}

TEST(LogTest, LineIsOneJsonObjectWhateverTheValue) {
  const std::string line = Log::Line(1'772'357'400'123'456, LogLevel::kWarning, "request",
                                     {{"path", std::string_view("a\"b\n\xFF\0c", 7)},
                                      {"n", std::int64_t{-3}},
                                      {"seconds", 0.1},
                                      {"ok", true}});
  EXPECT_EQ(line,
            "{\"time\":\"2026-03-01T09:30:00.123456Z\",\"level\":\"warning\",\"event\":\"request\","
            "\"path\":\"a\\\"b\\n\xEF\xBF\xBD\\u0000c\",\"n\":-3,\"seconds\":0.1,\"ok\":true}");
  EXPECT_TRUE(ParseJson(line).ok());
}

TEST(LogTest, LevelsByName) {
  EXPECT_EQ(*ParseLogLevel("WARN"), LogLevel::kWarning);
  EXPECT_EQ(*ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("loud").status().reason(), "bad_log_level");
  const Log log(LogLevel::kError);
  EXPECT_FALSE(log.Enabled(LogLevel::kInfo));
  EXPECT_TRUE(log.Enabled(LogLevel::kError));
}

}  // namespace
}  // namespace ctt::telemetry

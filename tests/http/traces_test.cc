// Requests as spans at a collector: which ones, joined to whom, and what happens where none takes
// them. The stages of a real prediction are in tests/product/trace_test.py.
#include <chrono>

#include <gtest/gtest.h>

#include "base/json.h"
#include "http/server.h"
#include "tests/http/client.h"
#include "tests/http/otlp_receiver.h"

namespace ctt::http {
namespace {

using telemetry::RequestTrace;
using telemetry::Tracer;
using testing::Test;

constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* kParent = "00f067aa0ba902b7";

std::string Traceparent(const char* flags) {
  return std::string("00-") + kTrace + "-" + kParent + "-" + flags;
}

struct TracesTest : Test {
  SystemClock clock;
  telemetry::Metrics metrics;
  telemetry::Log log{telemetry::LogLevel::kOff};
  telemetry::TracerOptions options;

  std::unique_ptr<Tracer> Start(const std::string& endpoint) {
    options.endpoint = endpoint;
    options.version = "9.9.9";
    options.environment = "test";
    auto started = Tracer::Start(options, metrics, log);
    EXPECT_TRUE(started.ok()) << started.status().ToString();
    return *std::move(started);
  }
  // Answers one GET of each target, with this Traceparent; then everything has been sent.
  void Serve(Tracer& tracer, const std::vector<std::string>& targets,
             const std::string& traceparent) {
    ServerOptions server_options;
    server_options.listen = "127.0.0.1:0";
    auto server = Server::Start(server_options, clock, metrics, log, &tracer);
    ASSERT_TRUE(server.ok());
    const std::string field = traceparent.empty() ? "" : "Traceparent: " + traceparent + "\r\n";
    for (const std::string& target : targets) {
      Client client((*server)->port());
      client.Send("GET " + target + " HTTP/1.1\r\nHost: x\r\n" + field + "\r\n");
      EXPECT_NE(client.Answer(), "");
    }
    (*server)->Stop(1000);
    tracer.Drain(5000);
  }
  double Counted(const std::string& series) {
    const std::string text = metrics.Text();
    const std::size_t at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
};

json::object BodyOf(const std::string& request) {
  auto value = ParseJson(request.substr(request.find("\r\n\r\n") + 4));
  EXPECT_TRUE(value.ok()) << request;
  return value->as_object();
}

std::string Attribute(const json::object& holder, std::string_view name) {
  for (const json::value& one : holder.at("attributes").as_array()) {
    if (one.at("key").as_string() != name) continue;
    return std::string(one.at("value").as_object().begin()->value().as_string());
  }
  return "absent";
}

json::array SpansOf(const std::string& request) {
  const json::object body = BodyOf(request);
  return body.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array();
}

TEST_F(TracesTest, ARequestIsASpanBelowItsCaller) {
  const OtlpReceiver receiver;
  options.headers = "api-key=a%20b, x=1";
  Serve(*Start(receiver.url() + "/base"), {"/nowhere"}, Traceparent("01"));
  ASSERT_EQ(receiver.requests().size(), 1);
  const std::string request = receiver.requests()[0];
  EXPECT_TRUE(request.starts_with("POST /base/v1/traces HTTP/1.1\r\n"));
  EXPECT_NE(request.find("\r\napi-key: a b\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nx: 1\r\n"), std::string::npos);
  EXPECT_NE(request.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  const json::object body = BodyOf(request);
  const json::object resource = body.at("resourceSpans").at(0).at("resource").as_object();
  EXPECT_EQ(Attribute(resource, "service.name"), "ctt");
  EXPECT_EQ(Attribute(resource, "service.version"), "9.9.9");
  EXPECT_EQ(Attribute(resource, "deployment.environment.name"), "test");

  const json::array spans = SpansOf(request);
  ASSERT_EQ(spans.size(), 2);
  const json::object& root = spans[0].as_object();
  const json::object& write = spans[1].as_object();
  EXPECT_EQ(root.at("traceId").as_string(), kTrace);
  EXPECT_EQ(root.at("parentSpanId").as_string(), kParent);
  EXPECT_EQ(root.at("name").as_string(), "GET other");
  EXPECT_EQ(root.at("kind").as_int64(), 2);
  EXPECT_EQ(Attribute(root, "http.response.status_code"), "404");
  EXPECT_EQ(root.if_contains("status"), nullptr);
  EXPECT_EQ(write.at("name").as_string(), "write");
  EXPECT_EQ(write.at("traceId").as_string(), kTrace);
  EXPECT_EQ(write.at("parentSpanId").as_string(), root.at("spanId").as_string());
  EXPECT_NE(write.at("spanId").as_string(), root.at("spanId").as_string());
  EXPECT_EQ(Counted("ctt_trace_spans_exported_total"), 2);
  EXPECT_EQ(Counted("ctt_trace_spans_dropped_total"), 0);
}

TEST_F(TracesTest, AnErrorOfTheServerIsAnErrorOfTheSpan) {
  const OtlpReceiver receiver;
  Serve(*Start(receiver.url()), {"/v1/tasks"}, "");
  ASSERT_EQ(receiver.requests().size(), 1);
  const json::object root = SpansOf(receiver.requests()[0])[0].as_object();
  EXPECT_EQ(Attribute(root, "http.response.status_code"), "503");
  EXPECT_EQ(root.at("status").at("code").as_int64(), 2);
  EXPECT_EQ(root.if_contains("parentSpanId"), nullptr);  // Its trace begins here.
}

TEST_F(TracesTest, WhichRequestsAreTraced) {
  struct Row {
    const char* why;
    const char* target;
    std::string traceparent;
    double ratio;
    bool traced;
  };
  const Row rows[] = {
      {"the caller wants it", "/nowhere", Traceparent("01"), 0, true},
      {"the caller does not", "/nowhere", Traceparent("00"), 1, false},
      {"nobody asks, all are", "/nowhere", "", 1, true},
      {"nobody asks, none is", "/nowhere", "", 0, false},
      {"a broken header is none", "/nowhere", "00-123-456-01", 0, false},
      {"probes are not", "/livez", "", 1, false},
      {"unless somebody asks", "/livez", Traceparent("01"), 0, true},
  };
  for (const Row& row : rows) {
    const OtlpReceiver receiver;
    options.ratio = row.ratio;
    Serve(*Start(receiver.url()), {row.target}, row.traceparent);
    EXPECT_EQ(!receiver.requests().empty(), row.traced) << row.why;
  }
}

RequestTrace SomeTrace() {
  RequestTrace trace{{kTrace, kParent, true}, "POST", "/predict", 200, "r"};
  trace.stages.push_back({telemetry::Stage::kHead, 1, 2});
  return trace;
}

TEST_F(TracesTest, WhatACollectorRefusesIsCounted) {
  const OtlpReceiver receiver(503);
  const auto tracer = Start(receiver.url());
  tracer->Add(SomeTrace());
  tracer->Drain(5000);
  EXPECT_EQ(Counted("ctt_trace_spans_dropped_total"), 2);
  EXPECT_EQ(Counted("ctt_trace_spans_exported_total"), 0);
}

TEST_F(TracesTest, ADeadCollectorHoldsUpNothingAndTheQueueIsBounded) {
  const OtlpReceiver receiver(0);
  const auto tracer = Start(receiver.url());
  constexpr std::size_t kMany = 3 * Tracer::kQueueMax;
  for (std::size_t i = 0; i < kMany; ++i) tracer->Add(SomeTrace());
  // All but the queue and what the thread has taken to send.
  EXPECT_GE(Counted("ctt_trace_spans_dropped_total"), 2.0 * Tracer::kQueueMax);
  tracer->Drain(100);
  EXPECT_EQ(Counted("ctt_trace_spans_dropped_total"), 2.0 * kMany);
  tracer->Add(SomeTrace());  // After the end.
  EXPECT_EQ(Counted("ctt_trace_spans_dropped_total"), 2.0 * kMany + 2);
}

TEST_F(TracesTest, DrainSendsEverything) {
  const OtlpReceiver receiver;
  const auto tracer = Start(receiver.url());
  for (std::size_t i = 0; i < Tracer::kQueueMax; ++i) tracer->Add(SomeTrace());
  tracer->Drain(20'000);
  EXPECT_EQ(Counted("ctt_trace_spans_exported_total"), 2.0 * Tracer::kQueueMax);
}

TEST_F(TracesTest, BadSettingsAreRefused) {
  const auto reason = [&](const char* endpoint, const char* headers, double ratio) {
    options.endpoint = endpoint;
    options.headers = headers;
    options.ratio = ratio;
    return Tracer::Start(options, metrics, log).ok();
  };
  EXPECT_TRUE(reason("http://127.0.0.1:1", "", 0.5));
  EXPECT_FALSE(reason("127.0.0.1:4318", "", 1));
  EXPECT_FALSE(reason("http://127.0.0.1:1", "key", 1));
  EXPECT_FALSE(reason("http://127.0.0.1:1", "=v", 1));
  EXPECT_FALSE(reason("http://127.0.0.1:1", "a=%0d%0ab", 1));
  EXPECT_FALSE(reason("http://127.0.0.1:1", "", 1.5));
  EXPECT_FALSE(reason("http://127.0.0.1:1", "", -1));
}

}  // namespace
}  // namespace ctt::http

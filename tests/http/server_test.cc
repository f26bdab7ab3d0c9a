// The server at the wire, before it has a service: the protocol, its limits, its times, its end.
#include "http/server.h"

#include <chrono>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "tests/http/client.h"

namespace ctt::http {
namespace {

using testing::Test;

bool Has(const std::string& answer, std::string_view part) {
  return answer.find(part) != std::string::npos;
}

std::string Get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

struct ServerTest : Test {
  SystemClock clock;
  telemetry::Metrics metrics;
  telemetry::Log log{telemetry::LogLevel::kOff};
  ServerOptions options;
  std::unique_ptr<Server> server;

  ServerTest() {
    options.listen = "127.0.0.1:0";
    options.version = "9.9.9";
    options.io_threads = 2;
  }
  void Start() {
    auto started = Server::Start(options, clock, metrics, log);
    ASSERT_TRUE(started.ok()) << started.status().ToString();
    server = *std::move(started);
  }
  std::string Ask(std::string_view request, bool has_body = true) {
    Client client(server->port());
    client.Send(request);
    return client.Answer(has_body);
  }
};

TEST_F(ServerTest, RefusesAddressesThatItShouldNotListenOn) {
  const auto reason = [&](const char* listen, bool insecure) {
    options.listen = listen;
    options.insecure = insecure;
    const auto started = Server::Start(options, clock, metrics, log);
    return started.ok() ? std::string("ok") : std::string(started.status().reason());
  };
  EXPECT_EQ(reason("0.0.0.0:0", false), "insecure_listen");
  EXPECT_EQ(reason("[::]:0", false), "insecure_listen");
  EXPECT_EQ(reason("0.0.0.0:0", true), "ok");
  EXPECT_EQ(reason("localhost:0", false), "ok");
  for (const char* listen :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:1x", "nowhere:1"})
    EXPECT_EQ(reason(listen, true), "bad_listen_address") << listen;
  options.listen = "127.0.0.1:0";
  Start();
  EXPECT_EQ(reason(server->address().c_str(), false), "address_in_use");
}

TEST_F(ServerTest, ProbesAnswerBeforeThereIsAService) {
  Start();
  EXPECT_TRUE(Has(Ask(Get("/livez?verbose")), "200 OK"));
  EXPECT_TRUE(Has(Ask(Get("/version")), R"({"name":"ctt","version":"9.9.9","api":"v1"})"));
  EXPECT_TRUE(
      Has(Ask(Get("/metrics")), "inference_requests_total{route=\"/livez\",status=\"200\"} 1"));
  for (const char* target : {"/readyz", "/v1/tasks"}) {
    const std::string answer = Ask(Get(target));
    EXPECT_TRUE(Has(answer, "503 Service Unavailable")) << target;
    EXPECT_TRUE(Has(answer, "Retry-After: 1")) << target;
    EXPECT_TRUE(Has(answer, "\"code\":\"not_ready\"")) << target;
    EXPECT_TRUE(Has(answer, "Content-Type: application/problem+json")) << target;
  }
}

TEST_F(ServerTest, EveryAnswerIsLocked) {
  Start();
  for (const char* target : {"/health", "/nowhere"}) {
    const std::string answer = Ask(Get(target));
    EXPECT_TRUE(Has(answer, "X-Content-Type-Options: nosniff\r\n"));
    EXPECT_TRUE(Has(answer, "Cache-Control: no-store\r\n"));
    EXPECT_TRUE(Has(answer, "\r\nDate: "));
  }
}

TEST_F(ServerTest, RequestIdsAreTakenOrMade) {
  Start();
  EXPECT_TRUE(Has(Ask(Get("/health", "X-Request-Id: abc-1\r\n")), "X-Request-Id: abc-1\r\n"));
  EXPECT_TRUE(Has(Ask(Get("/nowhere", "X-Request-Id: abc-1\r\n")), "\"request_id\":\"abc-1\""));
  const std::string long_id(129, 'a');
  for (const std::string& bad : {std::string("a b"), std::string("\xFF"), long_id})
    EXPECT_FALSE(Has(Ask(Get("/health", "X-Request-Id: " + bad + "\r\n")), "X-Request-Id: " + bad));
  EXPECT_NE(Ask(Get("/health")).substr(0, 150), Ask(Get("/health")).substr(0, 150));
}

TEST_F(ServerTest, KeepsAliveAndAnswersPipelinedRequestsInOrder) {
  Start();
  Client client(server->port());
  client.Send(
      Get("/health", "X-Request-Id: 1\r\n") + Get("/nowhere", "X-Request-Id: 2\r\n") +
      "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" +
      "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Request-Id: 3\r\n\r\nhello" +
      Get("/version", "X-Request-Id: 4\r\nConnection: close\r\n"));
  EXPECT_TRUE(Has(client.Answer(), "X-Request-Id: 1"));
  EXPECT_TRUE(Has(client.Answer(), "X-Request-Id: 2"));
  EXPECT_TRUE(Has(client.Answer(), "405 Method Not Allowed"));
  EXPECT_TRUE(Has(client.Answer(), "X-Request-Id: 3"));
  const std::string last = client.Answer();
  EXPECT_TRUE(Has(last, "X-Request-Id: 4"));
  EXPECT_TRUE(Has(last, "Connection: close"));
  EXPECT_EQ(client.Rest(), "");
}

TEST_F(ServerTest, MethodsThatBelongToNoRow) {
  Start();
  const std::string head = Ask("HEAD /version HTTP/1.1\r\nHost: x\r\n\r\n", false);
  EXPECT_TRUE(Has(head, "200 OK"));
  EXPECT_TRUE(Has(head, "Content-Length: 43"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  const std::string options_answer = Ask("OPTIONS /predict HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Has(options_answer, "204 No Content"));
  EXPECT_TRUE(Has(options_answer, "Allow: OPTIONS, POST\r\n"));
  EXPECT_TRUE(Has(Ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), "204 No Content"));
  const std::string refused = Ask("PATCH /predict HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(Has(refused, "405 Method Not Allowed"));
  EXPECT_TRUE(Has(refused, "Allow: OPTIONS, POST\r\n"));
  EXPECT_TRUE(Has(Ask("BREW /health HTTP/1.1\r\nHost: x\r\n\r\n"), "405 Method Not Allowed"));
}

TEST_F(ServerTest, OldClients) {
  Start();
  Client client(server->port());
  client.Send("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(Has(client.Answer(), "Connection: keep-alive"));
  client.Send("GET /health HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(Has(client.Answer(), "Connection: close"));
  EXPECT_EQ(client.Rest(), "");
}

TEST_F(ServerTest, WhatIsNoHttpIsAnsweredAndClosed) {
  Start();
  const std::pair<const char*, const char*> cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", "\"code\":\"bad_host\""},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "\"code\":\"bad_host\""},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400 Bad Request"},
      {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "400 Bad Request"},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 Bad Request"},
      {"GET /% HTTP/1.1\r\nHost: x\r\n\r\n", "\"code\":\"bad_target\""},
      {"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n", "400 Bad Request"},
      {"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       "400 Bad Request"},
      {"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       "400 Bad Request"},
      {"GET /health HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n\r\n", "415 Unsupported"},
      {"POST /predict HTTP/1.1\r\nHost: x\r\n\r\n", "\"code\":\"not_ready\""},
  };
  for (const auto& [request, wanted] : cases) EXPECT_TRUE(Has(Ask(request), wanted)) << request;
}

TEST_F(ServerTest, LimitsOfHeadersAndBodies) {
  options.body_bytes_max = 1000;
  options.header_bytes_max = 2000;
  Start();
  EXPECT_TRUE(
      Has(Ask(Get("/health", "A: " + std::string(3000, 'a') + "\r\n")), "431 Request Header"));
  EXPECT_TRUE(Has(Ask(Get("/" + std::string(3000, 'a'))), "431 Request Header"));
  const std::string declared =
      Ask("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_TRUE(Has(declared, "413 Content Too Large"));
  EXPECT_TRUE(Has(declared, "at most 1000 bytes"));
  EXPECT_TRUE(Has(declared, "Connection: close"));
  EXPECT_TRUE(
      Has(Ask("GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
              std::string(1001, 'a') + "\r\n0\r\n\r\n"),
          "413 Content Too Large"));
  EXPECT_TRUE(
      Has(Ask("GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" +
              std::string(1000, 'a') + "\r\n0\r\n\r\n"),
          "200 OK"));
}

TEST_F(ServerTest, TheAnswerToABodyThatIsNotReadArrives) {
  options.body_bytes_max = 1000;
  Start();
  const std::string request = "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n";
  for (int i = 0; i < 5; ++i) {
    Client client(server->port());
    client.Send(request + std::string(4'000'000, 'a'));  // Sent whole before anything is read.
    EXPECT_TRUE(Has(client.Answer(), "413 Content Too Large"));
  }
}

TEST_F(ServerTest, ContinuesOnlyForBodiesThatItWants) {
  options.body_bytes_max = 10;
  Start();
  Client client(server->port());
  client.Send(
      "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.Answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("hello");
  EXPECT_TRUE(Has(client.Answer(), "200 OK"));
  client.Send(
      "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(Has(client.Answer(), "413 Content Too Large"));
}

TEST_F(ServerTest, SlowClientsAreCut) {
  options.header_timeout_ms = 300;
  options.body_timeout_ms = 300;
  options.idle_timeout_ms = 300;
  Start();
  Client idle(server->port()), header(server->port()), body(server->port());
  header.Send("GET /health HT");
  body.Send("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_EQ(idle.Rest(), "");
  EXPECT_TRUE(Has(header.Rest(), "408 Request Timeout"));
  EXPECT_TRUE(Has(body.Rest(), "408 Request Timeout"));
}

TEST_F(ServerTest, ConnectionsPastTheLimitAreTurnedAway) {
  options.connections_max = 2;
  Start();
  auto first = std::make_unique<Client>(server->port());
  Client second(server->port());
  first->Send(Get("/health"));
  second.Send(Get("/health"));
  EXPECT_TRUE(Has(first->Answer(), "200 OK"));
  EXPECT_TRUE(Has(second.Answer(), "200 OK"));
  EXPECT_TRUE(Has(Client(server->port()).Rest(), "\"code\":\"too_many_connections\""));
  first.reset();
  std::string answer;
  for (int i = 0; i < 100 && !Has(answer, "200 OK"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    answer = Ask(Get("/health"));
  }
  EXPECT_TRUE(Has(answer, "200 OK"));
}

TEST_F(ServerTest, StopAnswersWhatWasAcceptedAndEnds) {
  Start();
  Client idle(server->port()), half(server->port());
  idle.Send(Get("/health"));
  EXPECT_TRUE(Has(idle.Answer(), "200 OK"));
  half.Send("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  bool drained = false;
  std::thread stopping([&] { drained = server->Stop(3000); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(idle.Rest(), "");
  EXPECT_FALSE(Client(server->port()).connected());
  half.Send("llo");
  const std::string answer = half.Rest();
  EXPECT_TRUE(Has(answer, "200 OK")) << answer;
  EXPECT_TRUE(Has(answer, "Connection: close"));
  stopping.join();
  EXPECT_TRUE(drained);
}

TEST_F(ServerTest, StopCutsWhoDoesNotEnd) {
  Start();
  Client half(server->port());
  half.Send("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(server->Stop(50));
  EXPECT_FALSE(server->Stop(50));
  EXPECT_EQ(half.Rest(), "");
}

TEST_F(ServerTest, GarbageNeverHurts) {
  Start();
  std::mt19937 random(7);
  const std::string good =
      "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"text\":\"a\"}";
  for (int i = 0; i < 500; ++i) {
    std::string bytes = good;
    for (int flips = 0; flips < 1 + i % 8; ++flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    Client client(server->port());
    client.Send(bytes);
    client.EndSending();
    const std::string answer = client.Rest();
    EXPECT_FALSE(Has(answer, "HTTP/1.1 500")) << bytes;
  }
  EXPECT_TRUE(Has(Ask(Get("/health")), "200 OK"));
}

}  // namespace
}  // namespace ctt::http

#include <gtest/gtest.h>

#include "http/media_type.h"
#include "http/problem.h"
#include "http/routes.h"

namespace ctt::http {
namespace {

struct TargetCase {
  const char* target;
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;
};

TEST(TargetTest, DecodesPathAndQuery) {
  const TargetCase cases[] = {
      {"/", {""}, {}},
      {"/v1/tasks", {"v1", "tasks"}, {}},
      {"/v1/tasks/", {"v1", "tasks", ""}, {}},
      {"/a%2Fb/c%20d", {"a/b", "c d"}, {}},
      {"/a+b?c+d=e+f", {"a+b"}, {{"c d", "e f"}}},
      {"/%e2%82%ac?%26=%3D&x&&y=", {"\xE2\x82\xAC"}, {{"&", "="}, {"x", ""}, {"y", ""}}},
      {"http://host:80/a?b=c", {"a"}, {{"b", "c"}}},
      {"http://host", {""}, {}},
      {"/%00", {std::string(1, '\0')}, {}},
      {"/a?b=c?d", {"a"}, {{"b", "c?d"}}},
  };
  for (const TargetCase& row : cases) {
    const auto target = ParseTarget(row.target);
    ASSERT_TRUE(target.ok()) << row.target;
    EXPECT_EQ(target->segments, row.segments) << row.target;
    EXPECT_EQ(target->query, row.query) << row.target;
  }
}

TEST(TargetTest, RefusesWhatIsNoTarget) {
  for (const char* target : {"", "v1", "*", "/%", "/%2", "/%zz", "/a?%", "?a"})
    EXPECT_EQ(ParseTarget(target).status().reason(), "bad_target") << target;
}

TEST(TargetTest, IntegersOfTheQueryAreWholeAndInRange) {
  const auto target = ParseTarget("/x?a=7&b=7x&c=&d=99999999999999999999&e=-1");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(**QueryInteger(*target, "a", 0, 7), 7);
  EXPECT_FALSE((*QueryInteger(*target, "z", 0, 7)).has_value());
  for (const char* name : {"b", "c", "d", "e"})
    EXPECT_EQ(QueryInteger(*target, name, 0, 100).status().reason(), "out_of_range") << name;
  EXPECT_FALSE(QueryInteger(*target, "a", 0, 6).ok());
}

RouteMatch Match(Method method, const char* target) {
  return MatchRoute(Routes(), method, ParseTarget(target)->segments);
}

TEST(RouteTest, FindsTheRowAndItsParameters) {
  const RouteMatch match = Match(Method::kGet, "/v1/tasks/a%2Fb/examples/x%20y");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->pattern, "/v1/tasks/{task}/examples/{id}");
  EXPECT_EQ(match.params, (std::vector<std::string>{"a/b", "x y"}));
}

TEST(RouteTest, EveryRowFindsItself) {
  for (const Route& route : Routes()) {
    const RouteMatch match = Match(route.method, std::string(route.pattern).c_str());
    EXPECT_EQ(match.route, &route) << route.pattern;
  }
}

TEST(RouteTest, HeadIsAnsweredByGet) {
  EXPECT_EQ(Match(Method::kHead, "/version").route, Match(Method::kGet, "/version").route);
  EXPECT_EQ(Match(Method::kHead, "/predict").route, nullptr);
}

TEST(RouteTest, OtherMethodsAreNamed) {
  EXPECT_EQ(Match(Method::kPut, "/v1/tasks/a").allow, "DELETE, GET, HEAD, OPTIONS, PATCH");
  EXPECT_EQ(Match(Method::kGet, "/predict").allow, "OPTIONS, POST");
}

TEST(RouteTest, NothingElseMatches) {
  for (const char* target :
       {"/", "/predictx", "/predict/", "//predict", "/v1/tasks/", "/v1/tasks//examples",
        "/v1/tasks/a/aliases/", "/v1/tasks/a/examples/", "/V1/tasks"}) {
    const RouteMatch match = Match(Method::kGet, target);
    EXPECT_EQ(match.route, nullptr) << target;
    EXPECT_EQ(match.allow, "") << target;
  }
}

TEST(MediaTypeTest, ParametersAndCaseAreIgnored) {
  EXPECT_EQ(ParseMediaType(""), MediaType::kJson);
  EXPECT_EQ(ParseMediaType("Application/JSON ; charset=utf-8"), MediaType::kJson);
  EXPECT_EQ(ParseMediaType("application/x-ndjson"), MediaType::kNdjson);
  EXPECT_EQ(ParseMediaType("application/jsonl"), MediaType::kNdjson);
  EXPECT_EQ(ParseMediaType("text/csv; header=present"), MediaType::kCsv);
  EXPECT_EQ(ParseMediaType("application/jsonp"), MediaType::kOther);
  EXPECT_EQ(ParseMediaType("application/x-www-form-urlencoded"), MediaType::kOther);
}

struct StatusCase {
  Status status;
  int http;
};

TEST(ProblemTest, OneTableFromStatusToHttp) {
  const StatusCase cases[] = {
      {{Code::kInvalidArgument, "x"}, 422},    {{Code::kInvalidArgument, "invalid_json", "x"}, 400},
      {{Code::kNotFound, "x"}, 404},           {{Code::kAlreadyExists, "x"}, 409},
      {{Code::kFailedPrecondition, "x"}, 409}, {{Code::kPermissionDenied, "x"}, 403},
      {{Code::kTooLarge, "x"}, 413},           {{Code::kResourceExhausted, "x"}, 429},
      {{Code::kDeadlineExceeded, "x"}, 504},   {{Code::kUnavailable, "x"}, 503},
      {{Code::kDataLoss, "x"}, 500},           {{Code::kInternal, "x"}, 500},
  };
  for (const StatusCase& row : cases)
    EXPECT_EQ(ProblemOf(row.status).status, row.http) << row.status.ToString();
}

TEST(ProblemTest, IsRfc9457AndSaysWhenToRetry) {
  const Reply reply = ProblemReply({429, "queue_full", "say \"when\"", {}}, "id-1");
  EXPECT_EQ(reply.content_type, "application/problem+json");
  EXPECT_EQ(reply.body,
            R"({"type":"about:blank","title":"Too Many Requests","status":429,"code":"queue_full",)"
            R"("detail":"say \"when\"","request_id":"id-1"})");
  ASSERT_EQ(reply.headers.size(), 1U);
  EXPECT_EQ(reply.headers[0].first, "Retry-After");
  EXPECT_TRUE(ProblemReply({404, "x", "y", {}}, "id").headers.empty());
}

}  // namespace
}  // namespace ctt::http

#include "cli/http_client.h"

#include <gtest/gtest.h>

namespace ctt::cli {
namespace {

struct Row {
  const char* url;
  const char* host;  // Null: refused.
  const char* port;
};
constexpr Row kRows[] = {
    {"http://127.0.0.1:8000", "127.0.0.1", "8000"},
    {"http://127.0.0.1:8000/", "127.0.0.1", "8000"},
    {"http://ctt.example", "ctt.example", "80"},
    {"http://[::1]:9", "::1", "9"},
    {"http://[::1]", "::1", "80"},
    {"https://ctt.example", "ctt.example", "443"},
    {"https://[::1]:9", "::1", "9"},
    {"ftp://ctt.example", nullptr, nullptr},
    {"ctt.example:80", nullptr, nullptr},
    {"http://", nullptr, nullptr},
    {"http://:80", nullptr, nullptr},
    {"http://a:", nullptr, nullptr},
    {"http://a:x", nullptr, nullptr},
    {"http://a:80x", nullptr, nullptr},
    {"http://a:65536", nullptr, nullptr},
    {"http://a/path", nullptr, nullptr},
    {"http://u@a", nullptr, nullptr},
    {"http://[::1", nullptr, nullptr},
    {"http://[::1]x", nullptr, nullptr},
};

TEST(HttpClientTest, TakesTheUrlOfAServerAndNothingElse) {
  for (const Row& row : kRows) {
    const Result<HttpClient> client = HttpClient::Make(row.url);
    ASSERT_EQ(client.ok(), row.host != nullptr) << row.url;
    if (!client.ok()) continue;
    EXPECT_EQ(client->host(), row.host) << row.url;
    EXPECT_EQ(client->port(), row.port) << row.url;
  }
}

}  // namespace
}  // namespace ctt::cli

// The route table and api/openapi.yaml say the same, both ways.
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/file.h"
#include "http/routes.h"

namespace ctt::http {
namespace {

using Operations = std::set<std::string>;  // "GET /v1/tasks"

std::string Upper(std::string word) {
  for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return word;
}

// A key of YAML at a depth: "  /predict:" at 2 is "/predict".
std::optional<std::string> KeyAt(const std::string& line, std::size_t depth) {
  const std::size_t start = line.find_first_not_of(' ');
  if (start != depth || !line.ends_with(':')) return std::nullopt;
  return line.substr(start, line.size() - start - 1);
}

Operations Described(const std::string& yaml) {
  Operations operations;
  std::istringstream lines(yaml);
  std::string path;
  for (std::string line; std::getline(lines, line);) {
    if (const auto key = KeyAt(line, 2)) path = key->starts_with('/') ? *key : "";
    const auto method = KeyAt(line, 4);
    if (method && !path.empty() && *method != "parameters")
      operations.insert(Upper(*method) + " " + path);
  }
  return operations;
}

Operations Served() {
  Operations operations;
  for (const Route& route : Routes())
    operations.insert(std::string(MethodName(route.method)) + " " + std::string(route.pattern));
  return operations;
}

std::string OpenApi() {
  const auto yaml = ReadFile(std::string(CTT_SOURCE_DIR) + "/api/openapi.yaml");
  EXPECT_TRUE(yaml.ok()) << yaml.status().ToString();
  return yaml.ok() ? *yaml : "";
}

TEST(OpenApiTest, DescribesEveryRouteAndNoOther) { EXPECT_EQ(Described(OpenApi()), Served()); }

TEST(OpenApiTest, DescribesTheBodiesThatARouteTakes) {
  // Per operation, the request media types, in order of the file.
  std::istringstream lines(OpenApi());
  std::string path, method, section;
  std::map<std::string, std::set<std::string>> media;
  for (std::string line; std::getline(lines, line);) {
    if (const auto key = KeyAt(line, 2)) path = *key;
    if (const auto key = KeyAt(line, 4)) method = *key;
    if (const auto key = KeyAt(line, 6)) section = *key;
    const auto type = KeyAt(line, 10);
    if (type && section == "requestBody") media[Upper(method) + " " + path].insert(*type);
  }
  for (const Route& route : Routes()) {
    const std::string name =
        std::string(MethodName(route.method)) + " " + std::string(route.pattern);
    std::set<std::string> wanted;
    if (route.body != Body::kNone) wanted.insert("application/json");
    if (route.body == Body::kJsonOrRows || route.body == Body::kStream)
      wanted.insert("application/x-ndjson");
    if (route.body == Body::kStream) wanted.insert("text/csv");
    EXPECT_EQ(media[name], wanted) << name;
  }
}

TEST(OpenApiTest, DescribesTheQueryParametersThatARouteKnows) {
  const std::string yaml = OpenApi();
  std::set<std::string> known;
  for (const Route& route : Routes())
    for (const std::string_view name : route.query) known.insert(std::string(name));
  std::set<std::string> described;
  std::istringstream lines(yaml);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos) continue;
    if (line.substr(start).starts_with("- name: ")) name = line.substr(start + 8);
    if (line.substr(start) == "in: query") described.insert(name);
  }
  EXPECT_EQ(described, known);
}

}  // namespace
}  // namespace ctt::http

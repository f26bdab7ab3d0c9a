#include "cli/id_file.h"

#include <fstream>
#include <iostream>

#include "base/json.h"

namespace ctt::cli {

Result<std::vector<std::string>> ReadIds(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return NotFound("cannot open " + path);
  std::vector<std::string> ids;
  std::string line;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (line.front() != '{') {
      ids.push_back(line);
      continue;
    }
    const Result<json::value> value = ParseJson(line);
    const auto id = value.ok() ? RequiredString(value->get_object(), "id") : value.status();
    if (!id.ok()) return id.status().WithContext(path + ", line " + std::to_string(number));
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace ctt::cli

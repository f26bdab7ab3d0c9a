#include <algorithm>
#include <string>

#include "http/example_reader.h"
#include "http/requests.h"

namespace ctt::http {
namespace {

Result<service::LearnRow> ParseLine(std::string_view line) {
  CTT_ASSIGN_OR_RETURN(const json::value value, ParseJson(line));
  return ParseLearnRow(value);
}

class NdjsonReader final : public ExampleReader {
 public:
  explicit NdjsonReader(std::int64_t row_bytes_max)
      : row_bytes_max_(static_cast<std::size_t>(row_bytes_max)) {}

  Status Feed(std::string_view bytes, std::vector<ReadRow>& rows) override {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      Keep(bytes.substr(0, end));
      if (end == std::string_view::npos) break;
      bytes.remove_prefix(end + 1);
      Finish(rows);
    }
    return Status::Ok();
  }

  Status End(std::vector<ReadRow>& rows) override {
    Finish(rows);
    return Status::Ok();
  }

 private:
  void Keep(std::string_view part) {
    const std::size_t room = row_bytes_max_ - line_.size();
    too_long_ = too_long_ || part.size() > room;
    line_.append(part.substr(0, room));
  }

  void Finish(std::vector<ReadRow>& rows) {
    ++number_;
    if (too_long_) {
      rows.push_back(
          {number_, Status(Code::kTooLarge, "row_too_long",
                           "a row may have at most " + std::to_string(row_bytes_max_) + " bytes")});
    } else if (line_.find_first_not_of(" \t\r") != std::string::npos) {
      rows.push_back({number_, ParseLine(line_)});
    }
    line_.clear();
    too_long_ = false;
  }

  const std::size_t row_bytes_max_;
  std::string line_;
  bool too_long_ = false;
  std::int64_t number_ = 0;
};

}  // namespace

std::unique_ptr<ExampleReader> ExampleReader::Ndjson(std::int64_t row_bytes_max) {
  return std::make_unique<NdjsonReader>(row_bytes_max);
}

}  // namespace ctt::http

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "http/example_reader.h"

namespace ctt::http {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kColumnsMax = 1000;

Status BadCsv(const char* why) { return {Code::kInvalidArgument, "bad_csv", why}; }

// Cuts records out of bytes. The states are those of RFC 4180, and kSkip: after a broken record, up
// to the next line end.
class CsvReader final : public ExampleReader {
 public:
  CsvReader(std::int64_t row_bytes_max, service::CellFormat format)
      : row_bytes_max_(static_cast<std::size_t>(row_bytes_max)), format_(std::move(format)) {}

  Status Feed(std::string_view bytes, std::vector<ReadRow>& rows) override {
    for (const char c : bytes) CTT_RETURN_IF_ERROR(Take(c, rows));
    return Status::Ok();
  }

  Status End(std::vector<ReadRow>& rows) override {
    if (state_ == State::kQuoted) problem_ = BadCsv("a quoted field does not end");
    if (state_ != State::kFieldStart || !fields_.empty() || !problem_.ok())
      CTT_RETURN_IF_ERROR(FinishRecord(rows));
    if (columns_) return Status::Ok();
    return {Code::kInvalidArgument, "missing_column", "the body has no header line"};
  }

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted, kSkip };
  struct Columns {
    std::size_t count = 0;
    std::optional<std::size_t> text, label, id, source;
  };

  Status Take(char c, std::vector<ReadRow>& rows) {
    if (c == '\n') ++line_;
    ++record_bytes_;
    if (record_bytes_ > row_bytes_max_ && state_ != State::kSkip) {
      Break({Code::kTooLarge, "row_too_long",
             "a row may have at most " + std::to_string(row_bytes_max_) + " bytes"});
    }
    switch (state_) {
      case State::kFieldStart:
        if (c == '"') {
          state_ = State::kQuoted;
          return Status::Ok();
        }
        state_ = State::kPlain;
        return TakeUnquoted(c, rows);
      case State::kPlain:
        return TakeUnquoted(c, rows);
      case State::kQuoted:
        if (c == '"') {
          state_ = State::kQuoteInQuoted;
        } else {
          field_ += c;
        }
        return Status::Ok();
      case State::kQuoteInQuoted:
        if (c == '"') {
          field_ += c;
          state_ = State::kQuoted;
          return Status::Ok();
        }
        if (c == ',' || c == '\n' || c == '\r') return TakeUnquoted(c, rows);
        Break(BadCsv("a closing quote is followed by something else than a comma"));
        return Status::Ok();
      case State::kSkip:
        return c == '\n' ? FinishRecord(rows) : Status::Ok();
    }
    return Status::Ok();
  }

  // Outside quotes. A carriage return counts only before a line feed.
  Status TakeUnquoted(char c, std::vector<ReadRow>& rows) {
    if (c == '\n') return FinishRecord(rows);
    if (c == ',') {
      FinishField();
    } else if (state_ == State::kPlain || c != '\r') {
      field_ += c;
    }
    return Status::Ok();
  }

  void FinishField() {
    if (state_ == State::kPlain && field_.ends_with('\r')) field_.pop_back();
    state_ = State::kFieldStart;
    if (fields_.size() < kColumnsMax) fields_.push_back(std::move(field_));
    field_.clear();
  }

  void Break(Status why) {
    problem_ = std::move(why);
    state_ = State::kSkip;
    fields_.clear();
    field_.clear();
  }

  Status FinishRecord(std::vector<ReadRow>& rows) {
    if (problem_.ok()) FinishField();
    const std::int64_t line = std::exchange(record_line_, line_);
    const std::vector<std::string> fields = std::exchange(fields_, {});
    const Status problem = std::exchange(problem_, Status::Ok());
    state_ = State::kFieldStart;
    record_bytes_ = 0;
    if (problem.ok() && fields.size() == 1 && fields[0].empty()) return Status::Ok();  // Blank.
    if (!columns_) return problem.ok() ? ReadHeader(fields) : problem;
    rows.push_back({line, problem.ok() ? MakeRow(fields) : Result<service::LearnRow>(problem)});
    return Status::Ok();
  }

  Status ReadHeader(const std::vector<std::string>& fields) {
    Columns columns;
    columns.count = fields.size();
    std::string found;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      std::string_view name = fields[i];
      if (i == 0 && name.starts_with(kByteOrderMark)) name.remove_prefix(kByteOrderMark.size());
      if (name == "text") columns.text = i;
      if (name == "label") columns.label = i;
      if (name == "id") columns.id = i;
      if (name == "source") columns.source = i;
      if (found.size() < 200) found.append(found.empty() ? "" : ", ").append(name.substr(0, 50));
    }
    if (!columns.text || !columns.label) {
      return {Code::kInvalidArgument, "missing_column",
              "the header must name the columns 'text' and 'label'; it has: " + found};
    }
    columns_ = columns;
    return Status::Ok();
  }

  Result<service::LearnRow> MakeRow(const std::vector<std::string>& fields) const {
    if (fields.size() != columns_->count) {
      return Status(Code::kInvalidArgument, "wrong_column_count",
                    "the row has " + std::to_string(fields.size()) + " fields, the header " +
                        std::to_string(columns_->count));
    }
    const auto at = [&](std::optional<std::size_t> column) {
      return column ? fields[*column] : std::string();
    };
    service::LearnRow row{at(columns_->text), {}, at(columns_->id), at(columns_->source), {}, {}};
    CTT_RETURN_IF_ERROR(service::SayFromCell(at(columns_->label), format_, row));
    return row;
  }

  const std::size_t row_bytes_max_;
  const service::CellFormat format_;
  std::optional<Columns> columns_;  // Once the header is read.
  State state_ = State::kFieldStart;
  std::string field_;
  std::vector<std::string> fields_;
  Status problem_;  // Of the record that is being read.
  std::size_t record_bytes_ = 0;
  std::int64_t record_line_ = 1;
  std::int64_t line_ = 1;
};

}  // namespace

std::unique_ptr<ExampleReader> ExampleReader::Csv(std::int64_t row_bytes_max,
                                                  const service::CellFormat& format) {
  return std::make_unique<CsvReader>(row_bytes_max, format);
}

}  // namespace ctt::http

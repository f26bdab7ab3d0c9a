#include "cli/row_file.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

#include "base/json.h"
#include "http/row_label.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kRecordBytesMax = 16 << 20;

std::string Ending(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text.empty() ? "none" : text;
}

std::int32_t Column(const std::vector<std::string>& columns, std::string_view name) {
  const auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? -1 : static_cast<std::int32_t>(found - columns.begin());
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// An array may be empty: no label holds.
bool SaysNothing(const FileRow& row) { return row.label.empty() && !row.labels && !row.number; }

}  // namespace

service::EvaluateRow ToEvaluate(FileRow row) {
  return {std::move(row.text), std::move(row.label), std::move(row.labels), row.number};
}

std::istream& RowFile::input() { return source_.path == "-" ? std::cin : file_; }

double RowFile::fraction() {
  const double at = bytes_ > 0 ? static_cast<double>(file_.tellg()) : -1;
  if (bytes_ <= 0) return -1;
  return at < 0 ? 1 : at / bytes_;  // No position: the end was met.
}

Status RowFile::Fail(std::int64_t line, const std::string& what) const {
  return {Code::kInvalidArgument, "bad_row",
          name_ + ", line " + std::to_string(line) + ": " + what};
}

Result<RowFile> RowFile::Open(const RowSource& source, bool needs_label) {
  const std::string& path = source.path;
  RowFile rows;
  rows.source_ = source;
  rows.name_ = path == "-" ? "standard input" : path;
  rows.needs_label_ = needs_label;
  const std::string ending = Ending(path);
  if (path == "-" || ending == ".jsonl" || ending == ".ndjson")
    rows.kind_ = Kind::kJson;
  else if (ending == ".csv" || ending == ".tsv")
    rows.kind_ = Kind::kTable;
  else if (ending == ".txt" && !needs_label)
    rows.kind_ = Kind::kText;
  else
    return InvalidArgument(path + ": the ending must be .jsonl, .csv or .tsv" +
                           (needs_label ? "" : " or .txt") +
                           ", or the name - for JSON lines on standard input");
  rows.separator_ = ending == ".tsv" ? '\t' : ',';
  if (path != "-") {
    rows.file_.open(path, std::ios::binary);
    std::error_code error;
    if (!rows.file_ || std::filesystem::is_directory(path, error))
      return NotFound("cannot open " + path);
    const auto bytes = std::filesystem::file_size(path, error);
    if (!error) rows.bytes_ = static_cast<double>(bytes);
  }
  if (rows.kind_ == Kind::kTable) CTT_RETURN_IF_ERROR(rows.ReadHeader());
  return rows;
}

Status RowFile::ReadHeader() {
  CTT_ASSIGN_OR_RETURN(const bool found, ReadRecord(columns_));
  if (!found) return Fail(1, "the file is empty; a header with 'text' and 'label' is needed");
  if (columns_[0].starts_with("\xEF\xBB\xBF")) columns_[0].erase(0, 3);  // Byte order mark.
  text_column_ = Column(columns_, source_.text_column);
  label_column_ = Column(columns_, source_.label_column);
  id_column_ = Column(columns_, "id");
  const std::string columns = "; the columns are " + Joined(columns_);
  if (text_column_ < 0)
    return Fail(1, "no column '" + source_.text_column + "'" + columns + " (see --text-column)");
  if (needs_label_ && label_column_ < 0)
    return Fail(1, "no column '" + source_.label_column + "'" + columns + " (see --label-column)");
  return Status::Ok();
}

// One record as RFC 4180 has it: quotes may hold separators, line ends and doubled quotes. False:
// end of the file.
Result<bool> RowFile::ReadRecord(std::vector<std::string>& fields) {
  fields.assign(1, "");
  std::istream& in = input();
  if (in.peek() == EOF) return false;
  const std::int64_t first_line = ++line_;
  bool quoted = false, closed = false;  // Inside quotes; just behind a quoted field.
  std::size_t bytes = 0;
  for (int c = in.get(); c != EOF; c = in.get()) {
    if (++bytes > kRecordBytesMax) return Fail(first_line, "the row is longer than 16 MiB");
    if (quoted) {
      if (c == '\n') ++line_;
      if (c != '"') {
        fields.back() += static_cast<char>(c);
      } else if (in.peek() == '"') {
        fields.back() += static_cast<char>(in.get());
      } else {
        quoted = false;
        closed = true;
      }
    } else if (c == separator_) {
      fields.emplace_back();
      closed = false;
    } else if (c == '\n') {
      break;
    } else if (closed && c != '\r') {
      return Fail(line_, "a closing quote must be followed by a separator; write \"\" for a quote");
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (!closed) {
      fields.back() += static_cast<char>(c);
    }
  }
  if (quoted) return Fail(first_line, "a quote is never closed");
  if (!closed && fields.back().ends_with('\r')) fields.back().pop_back();
  return true;
}

Result<std::optional<FileRow>> RowFile::NextTable() {
  std::vector<std::string> fields;
  for (;;) {
    const std::int64_t line = line_ + 1;
    CTT_ASSIGN_OR_RETURN(const bool found, ReadRecord(fields));
    if (!found) return std::optional<FileRow>();
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() != columns_.size()) {
      return Fail(line, std::to_string(fields.size()) + " fields, but the header has " +
                            std::to_string(columns_.size()));
    }
    FileRow row;
    row.line = line;
    row.text = std::move(fields[text_column_]);
    if (label_column_ >= 0) {
      const Status said = service::SayFromCell(fields[label_column_], source_.cells, row);
      if (needs_label_ && !said.ok()) return Fail(line, said.message());
    }
    if (id_column_ >= 0) row.id = std::move(fields[id_column_]);
    if (IsBlank(row.text)) return Fail(line, "the text is empty");
    if (needs_label_ && SaysNothing(row)) return Fail(line, "the label is empty");
    return std::optional<FileRow>(std::move(row));
  }
}

Result<FileRow> RowFile::ParseObject(const std::string& line) const {
  CTT_ASSIGN_OR_RETURN(const json::value value, ParseJson(line));
  if (!value.is_object()) return InvalidArgument("not a JSON object");
  const json::object& object = value.get_object();
  CTT_ASSIGN_OR_RETURN(const auto text, OptionalString(object, source_.text_column));
  CTT_ASSIGN_OR_RETURN(const auto id, OptionalString(object, "id"));
  FileRow row;
  const bool labelled = object.contains(source_.label_column);
  if (needs_label_ && labelled)
    CTT_RETURN_IF_ERROR(http::ParseRowLabel(object, source_.label_column, row));
  std::vector<std::string> keys;
  for (const auto& member : object) keys.emplace_back(member.key());
  if (!text)
    return InvalidArgument("no key '" + source_.text_column + "'; the keys are " + Joined(keys));
  if (needs_label_ && !labelled)
    return InvalidArgument("no key '" + source_.label_column + "'; the keys are " + Joined(keys));
  if (IsBlank(*text)) return InvalidArgument("the text is empty");
  if (needs_label_ && SaysNothing(row)) return InvalidArgument("the label is empty");
  row.text = *text;
  row.id = id.value_or("");
  row.line = line_;
  return row;
}

Result<std::optional<FileRow>> RowFile::NextJson() {
  std::string line;
  while (std::getline(input(), line)) {
    if (++line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // Byte order mark.
    if (IsBlank(line)) continue;
    Result<FileRow> row = ParseObject(line);
    if (!row.ok()) return Fail(line_, row.status().message());
    return std::optional<FileRow>(*std::move(row));
  }
  return std::optional<FileRow>();
}

Result<std::optional<FileRow>> RowFile::Next() {
  if (kind_ == Kind::kJson) return NextJson();
  if (kind_ == Kind::kTable) return NextTable();
  FileRow row;
  while (std::getline(input(), row.text)) {
    row.line = ++line_;
    if (row.text.ends_with('\r')) row.text.pop_back();
    if (!IsBlank(row.text)) return std::optional<FileRow>(std::move(row));
  }
  return std::optional<FileRow>();
}

Result<std::vector<FileRow>> RowFile::ReadAll() {
  std::vector<FileRow> rows;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(std::optional<FileRow> row, Next());
    if (!row) return rows;
    rows.push_back(*std::move(row));
  }
}

}  // namespace ctt::cli

#include "cli/row_file.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

#include "base/json.h"

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

// The label of a JSON row: a string, or a number as its text.
Result<std::string> LabelText(const json::object& row) {
  const json::value* label = row.if_contains("label");
  if (label == nullptr || label->is_null()) return std::string();
  if (label->is_string()) return std::string(label->get_string());
  return InvalidArgument("'label' must be a string");
}

}  // namespace

std::istream& RowFile::input() { return path_ == "-" ? std::cin : file_; }

Status RowFile::Fail(std::int64_t line, const std::string& what) const {
  return {
      Code::kInvalidArgument, "bad_row",
      (path_ == "-" ? "standard input" : path_) + ", line " + std::to_string(line) + ": " + what};
}

Result<RowFile> RowFile::Open(const std::string& path, bool needs_label) {
  RowFile rows;
  rows.path_ = path;
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
    if (!rows.file_) return NotFound("cannot open " + path);
  }
  if (rows.kind_ == Kind::kTable) CTT_RETURN_IF_ERROR(rows.ReadHeader());
  return rows;
}

Status RowFile::ReadHeader() {
  CTT_ASSIGN_OR_RETURN(const bool found, ReadRecord(columns_));
  if (!found) return Fail(1, "the file is empty; a header with 'text' and 'label' is needed");
  if (columns_[0].starts_with("\xEF\xBB\xBF")) columns_[0].erase(0, 3);  // Byte order mark.
  text_column_ = Column(columns_, "text");
  label_column_ = Column(columns_, "label");
  id_column_ = Column(columns_, "id");
  if (text_column_ < 0) return Fail(1, "no column 'text'; the columns are " + Joined(columns_));
  if (needs_label_ && label_column_ < 0)
    return Fail(1, "no column 'label'; the columns are " + Joined(columns_));
  return Status::Ok();
}

// One record as RFC 4180 has it: quotes may hold separators, line ends and doubled quotes. false:
// end.
Result<bool> RowFile::ReadRecord(std::vector<std::string>& fields) {
  fields.assign(1, "");
  std::istream& in = input();
  if (in.peek() == EOF) return false;
  const std::int64_t first_line = ++line_;
  bool quoted = false;
  std::size_t bytes = 0;
  for (int c = in.get(); c != EOF; c = in.get()) {
    if (++bytes > kRecordBytesMax) return Fail(first_line, "the row is longer than 16 MiB");
    if (quoted) {
      if (c == '\n') ++line_;
      if (c != '"')
        fields.back() += static_cast<char>(c);
      else if (in.peek() == '"')
        fields.back() += static_cast<char>(in.get());
      else
        quoted = false;
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == separator_) {
      fields.emplace_back();
    } else if (c == '\n') {
      if (fields.size() == 1 && fields[0].ends_with('\r'))
        fields[0].pop_back();
      else if (fields.back().ends_with('\r'))
        fields.back().pop_back();
      return true;
    } else {
      fields.back() += static_cast<char>(c);
    }
  }
  if (quoted) return Fail(first_line, "a quote is never closed");
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
    if (label_column_ >= 0) row.label = std::move(fields[label_column_]);
    if (id_column_ >= 0) row.id = std::move(fields[id_column_]);
    return std::optional<FileRow>(std::move(row));
  }
}

Result<std::optional<FileRow>> RowFile::NextJson() {
  std::string text;
  while (std::getline(input(), text)) {
    ++line_;
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    Result<json::value> value = ParseJson(text);
    if (!value.ok()) return Fail(line_, value.status().message());
    if (!value->is_object()) return Fail(line_, "not a JSON object");
    const json::object& object = value->get_object();
    std::vector<std::string> keys;
    for (const auto& member : object) keys.emplace_back(member.key());
    FileRow row;
    row.line = line_;
    const auto content = OptionalString(object, "text");
    if (!content.ok()) return Fail(line_, content.status().message());
    if (!*content) return Fail(line_, "no key 'text'; the keys are " + Joined(keys));
    row.text = **content;
    const Result<std::string> label = LabelText(object);
    if (!label.ok()) return Fail(line_, label.status().message());
    row.label = *label;
    if (needs_label_ && row.label.empty())
      return Fail(line_, "no key 'label'; the keys are " + Joined(keys));
    const auto id = OptionalString(object, "id");
    if (!id.ok()) return Fail(line_, id.status().message());
    row.id = id->value_or("");
    return std::optional<FileRow>(std::move(row));
  }
  return std::optional<FileRow>();
}

Result<std::optional<FileRow>> RowFile::Next() {
  if (kind_ == Kind::kJson) return NextJson();
  if (kind_ == Kind::kTable) return NextTable();
  FileRow row;
  if (!std::getline(input(), row.text)) return std::optional<FileRow>();
  row.line = ++line_;
  return std::optional<FileRow>(std::move(row));
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

#include "cli/task_file.h"

#include <filesystem>
#include <iostream>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "base/json_writer.h"
#include "http/row_label.h"
#include "service/task_settings.h"

namespace ctt::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFormat = 1;

Result<service::EncodedRow> ParseRow(const std::string& line) {
  CTT_ASSIGN_OR_RETURN(const json::value value, ParseJson(line));
  if (!value.is_object()) return InvalidArgument("not a JSON object");
  const json::object& object = value.get_object();
  service::EncodedRow encoded;
  CTT_ASSIGN_OR_RETURN(encoded.row.text, RequiredString(object, "text"));
  CTT_ASSIGN_OR_RETURN(encoded.row.id, RequiredString(object, "id"));
  CTT_RETURN_IF_ERROR(http::ParseRowLabel(object, "label", encoded.row));
  CTT_ASSIGN_OR_RETURN(const auto source, OptionalString(object, "source"));
  encoded.row.source = source.value_or("");
  CTT_ASSIGN_OR_RETURN(const auto features, OptionalString(object, "features"));
  if (!features) return encoded;
  CTT_ASSIGN_OR_RETURN(const std::string bytes, FromBase64(*features));
  encoded.phi.assign(bytes.begin(), bytes.end());
  return encoded;
}

Result<TaskFileHead> ParseHead(const std::string& line) {
  const Status other = InvalidArgument(
      "not a task file: its first line must be what 'ctt tasks export' writes there");
  const Result<json::value> value = ParseJson(line);
  if (!value.ok() || !value->is_object()) return other;
  const json::object& object = value->get_object();
  const json::value* format = object.if_contains("ctt_task");
  if (format == nullptr || !format->is_int64()) return other;
  if (format->get_int64() != kFormat)
    return InvalidArgument("written by another version of ctt, in format " +
                           std::to_string(format->get_int64()) + "; this one reads " +
                           std::to_string(kFormat));
  TaskFileHead head;
  CTT_ASSIGN_OR_RETURN(head.task, RequiredString(object, "task"));
  CTT_ASSIGN_OR_RETURN(head.about.encoder_id, RequiredString(object, "encoder_id"));
  CTT_ASSIGN_OR_RETURN(head.about.statistics, RequiredString(object, "statistics"));
  CTT_ASSIGN_OR_RETURN(const auto digest, OptionalString(object, "head_digest"));
  head.about.head_digest = digest.value_or("");
  const json::value* settings = object.if_contains("settings");
  if (settings == nullptr) return InvalidArgument("'settings' is missing");
  auto parsed = service::ParseTaskSettings(json::serialize(*settings));
  if (!parsed.ok()) return InvalidArgument(parsed.status().message());
  head.about.settings = *std::move(parsed);
  return head;
}

}  // namespace

Result<TaskFileWriter> TaskFileWriter::Create(const std::string& path) {
  std::error_code error;
  if (path != "-" && fs::exists(path, error))
    return Status(Code::kAlreadyExists, "file_exists", path + " is there already");
  TaskFileWriter writer(path);
  if (path != "-") writer.file_.open(path, std::ios::binary);
  CTT_RETURN_IF_ERROR(writer.Check());
  return writer;
}

TaskFileWriter::TaskFileWriter(TaskFileWriter&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}

TaskFileWriter::~TaskFileWriter() {
  std::error_code error;
  if (file_.is_open() && !path_.empty()) fs::remove(path_, error);
}

std::ostream& TaskFileWriter::output() { return path_ == "-" ? std::cout : file_; }

Status TaskFileWriter::Check() {
  if (output()) return Status::Ok();
  return Internal("cannot write " + path_);
}

Status TaskFileWriter::Begin(const TaskFileHead& head) {
  JsonWriter out;
  out.BeginObject().Field("ctt_task", kFormat).Field("task", head.task);
  out.Field("encoder_id", head.about.encoder_id).Field("statistics", head.about.statistics);
  out.Field("head_digest", head.about.head_digest);
  out.Key("settings").Raw(service::TaskSettingsJson(head.about.settings)).EndObject();
  output() << out.json() << '\n';
  return Check();
}

Status TaskFileWriter::Add(const service::EncodedRow& row) {
  JsonWriter out;
  out.BeginObject().Field("text", row.row.text);
  http::AppendRowLabel(out, row.row);
  out.Field("id", row.row.id);
  if (!row.row.source.empty()) out.Field("source", row.row.source);
  if (!row.phi.empty()) {
    const auto* bytes = reinterpret_cast<const char*>(row.phi.data());
    out.Field("features", ToBase64(std::string_view(bytes, row.phi.size())));
  }
  out.EndObject();
  output() << out.json() << '\n';
  return Check();
}

Status TaskFileWriter::Close() {
  output().flush();
  CTT_RETURN_IF_ERROR(Check());
  file_.close();
  return Check();
}

Status TaskFileReader::Fail(const std::string& what) const {
  return {Code::kInvalidArgument, "bad_row",
          path_ + ", line " + std::to_string(line_) + ": " + what};
}

Result<TaskFileReader> TaskFileReader::Open(const std::string& path) {
  TaskFileReader reader(path);
  reader.file_.open(path, std::ios::binary);
  std::error_code error;
  if (!reader.file_ || fs::is_directory(path, error)) return NotFound("cannot open " + path);
  const auto bytes = fs::file_size(path, error);
  if (!error) reader.bytes_ = static_cast<double>(bytes);
  CTT_RETURN_IF_ERROR(reader.ReadHead());
  return reader;
}

Status TaskFileReader::ReadHead() {
  std::string line;
  std::getline(file_, line);
  ++line_;
  Result<TaskFileHead> head = ParseHead(line);
  if (!head.ok()) return Fail(head.status().message());
  head_ = *std::move(head);
  return Status::Ok();
}

Result<std::optional<service::EncodedRow>> TaskFileReader::Next() {
  std::string line;
  if (!std::getline(file_, line)) return std::optional<service::EncodedRow>();
  ++line_;
  Result<service::EncodedRow> row = ParseRow(line);
  if (!row.ok()) return Fail(row.status().message());
  return std::optional<service::EncodedRow>(*std::move(row));
}

double TaskFileReader::fraction() {
  const double at = bytes_ > 0 ? static_cast<double>(file_.tellg()) : -1;
  return at < 0 ? 1 : at / bytes_;
}

}  // namespace ctt::cli

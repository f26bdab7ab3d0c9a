#pragma once
// A task in one file, as JSON lines. The first says what the rest is:
//   {"ctt_task": 1, "task", "encoder_id", "statistics", "head_digest", "settings"}
// where `statistics` is the digest of the sums of all examples that follow, `head_digest` that of
// the head that was served, and `settings` is service::TaskSettingsJson. Then an example a line:
//   {"text", "label", "id", "source"?, "features"?}
// with the label as in other files (row_file.h) and the features, int8, in base64. Examples are all
// there is to a task: sums and heads follow from them, bit by bit.
//
// Errors name file and line. Memory: one line. Threads: one.
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include "base/status.h"
#include "service/types.h"

namespace ctt::cli {

struct TaskFileHead {
  std::string task;
  service::TaskExport about;
};

class TaskFileWriter {
 public:
  // "-" is standard output. kAlreadyExists: a file of that name is there; it is left alone.
  static Result<TaskFileWriter> Create(const std::string& path);
  Status Begin(const TaskFileHead& head);
  Status Add(const service::EncodedRow& row);
  // On disk when ok. A file that was not closed is removed with its writer.
  Status Close();
  ~TaskFileWriter();
  TaskFileWriter(TaskFileWriter&& other) noexcept;
  TaskFileWriter& operator=(TaskFileWriter&&) = delete;

 private:
  explicit TaskFileWriter(std::string path) : path_(std::move(path)) {}
  std::ostream& output();
  Status Check();
  std::string path_;  // Empty: moved from, or closed.
  std::ofstream file_;
};

class TaskFileReader {
 public:
  // kNotFound; kInvalidArgument: its first line is not one of a task file.
  static Result<TaskFileReader> Open(const std::string& path);
  const TaskFileHead& head() const { return head_; }
  // The next example, or nothing at the end; without features when its line has none.
  Result<std::optional<service::EncodedRow>> Next();
  double fraction();  // Of the file, read so far.
  std::int64_t line() const { return line_; }
  const std::string& path() const { return path_; }

 private:
  explicit TaskFileReader(std::string path) : path_(std::move(path)) {}
  Status Fail(const std::string& what) const;
  Status ReadHead();
  std::string path_;
  std::ifstream file_;
  double bytes_ = 0;
  std::int64_t line_ = 0;
  TaskFileHead head_;
};

}  // namespace ctt::cli

#pragma once
// Learning a file: rows in chunks, several of them under way so that the compute threads never
// wait. Memory is bounded by those chunks.
#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/status.h"
#include "cli/row_file.h"
#include "cli/session.h"

namespace ctt::cli {

struct LearnedFile {
  std::int64_t rows = 0;      // Read and acknowledged.
  std::int64_t accepted = 0;  // New or replaced.
  service::TaskInfo task;     // After settling.
  double seconds = 0;         // From the first row to the settled head.
};

// The members that every command that learns prints.
json::object Describe(const LearnedFile& learned);

// On an error the rows of other chunks stay learned; the message says how many. A bad row is named
// by its line.
Result<LearnedFile> LearnFile(Session& session, const std::string& task, const RowSource& source);

}  // namespace ctt::cli

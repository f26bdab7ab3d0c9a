#pragma once
// Learning a file: rows in chunks, several of them under way so that the compute threads never
// wait.
#include <cstdint>
#include <string>

#include "base/status.h"
#include "service/service.h"

namespace ctt::cli {

struct LearnedFile {
  std::int64_t rows = 0;      // Read and acknowledged.
  std::int64_t accepted = 0;  // New or replaced.
  service::TaskInfo task;     // After settling.
  double seconds = 0;         // From the first row to the settled head.
};

// On an error the rows of the chunks before it stay learned; the message says how many.
Result<LearnedFile> LearnFile(service::Service& service, const std::string& task,
                              const std::string& file);

}  // namespace ctt::cli

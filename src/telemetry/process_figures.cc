#include "telemetry/process_figures.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace ctt::telemetry {
namespace {

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The fields of /proc/self/stat from the third on (proc(5)); the second, a name in brackets, may
// hold anything.
std::vector<double> StatFields() {
  const std::string stat = ReadAll("/proc/self/stat");
  const std::size_t end_of_name = stat.rfind(')');
  std::vector<double> fields;
  if (end_of_name == std::string::npos || end_of_name + 4 > stat.size()) return fields;
  std::istringstream rest(stat.substr(end_of_name + 4));  // Past ") S".
  for (double value; rest >> value;) fields.push_back(value);
  return fields;
}

double BootTimeSeconds() {
  std::istringstream stat(ReadAll("/proc/stat"));
  for (std::string word; stat >> word;) {
    if (word != "btime") continue;
    double seconds = 0;
    stat >> seconds;
    return seconds;
  }
  return 0;
}

std::int64_t CountOpenFds() {
  std::error_code error;
  std::int64_t count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return count > 0 ? count - 1 : 0;  // Less the one that this look opened.
}

}  // namespace

ProcessFigures ReadProcessFigures() {
  // Places in `fields` are those of proc(5) less 4.
  constexpr std::size_t kUserTime = 10, kSystemTime = 11, kThreads = 16, kStart = 18, kVirtual = 19,
                        kResident = 20;
  ProcessFigures figures;
  const std::vector<double> fields = StatFields();
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (fields.size() > kResident && ticks > 0) {
    figures.cpu_seconds = (fields[kUserTime] + fields[kSystemTime]) / ticks;
    figures.threads = static_cast<std::int64_t>(fields[kThreads]);
    figures.start_time_seconds = BootTimeSeconds() + fields[kStart] / ticks;
    figures.virtual_bytes = static_cast<std::int64_t>(fields[kVirtual]);
    figures.resident_bytes = static_cast<std::int64_t>(fields[kResident]) * sysconf(_SC_PAGESIZE);
  }
  figures.open_fds = CountOpenFds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    figures.max_fds = static_cast<std::int64_t>(limit.rlim_cur);
  return figures;
}

}  // namespace ctt::telemetry

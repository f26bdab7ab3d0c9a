#pragma once
// The commands of ctt. Each takes its arguments as the command line gave them, prints its answer,
// and returns the exit code: 0 done, 1 failed. The contract is DESIGN, section 8.
//
// Threads: the main thread.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/settings.h"

namespace ctt::cli {

struct CommandContext {
  Settings settings;
  bool json = false;
};

int Serve(const CommandContext& context);
int Init(const CommandContext& context);
int Info(const CommandContext& context);

int Learn(const CommandContext& context, const std::string& task, const std::string& file);
int Unlearn(const CommandContext& context, const std::string& task,
            const std::vector<std::string>& ids, const std::string& file);
int Predict(const CommandContext& context, const std::string& task,
            const std::vector<std::string>& texts, const std::string& file,
            const std::string& output, std::int32_t top_k);
int Evaluate(const CommandContext& context, const std::string& task, const std::string& file);

int ListTasks(const CommandContext& context);
int ShowTask(const CommandContext& context, const std::string& task);
int RenameTask(const CommandContext& context, const std::string& task, const std::string& name);
int DeleteTask(const CommandContext& context, const std::string& task);
int ListVersions(const CommandContext& context, const std::string& task);
int Publish(const CommandContext& context, const std::string& task, std::int64_t version);

int Continual(const CommandContext& context, const std::string& folder,
              const std::vector<std::string>& order);
int Embed(const CommandContext& context, const std::string& file, const std::string& output);
int BenchEncode(const CommandContext& context, const std::string& file, const std::string& ids,
                const std::string& output);
int ModelInfo(const CommandContext& context);
int ModelVerify(const CommandContext& context);

}  // namespace ctt::cli

#pragma once
// What the product's verbs take and answer: plain values between the outside (HTTP, CLI) and the
// rooms inside. Texts are UTF-8 of any quality; limits are checked by Service.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ctt::service {

// Called exactly once, from a thread of the service; must not block.
template <typename T>
using Done = std::function<void(Result<T>)>;

struct LabelScore {
  std::string label;
  double probability = 0;
};

struct PredictOptions {
  std::int32_t top_k = 5;               // Labels in the answer; all when past their number.
  std::optional<std::int64_t> version;  // A head version instead of the live one.
  std::string alias;                    // Or what this alias names: "live", "previous", ...
  std::string key;                      // Equal keys get the canary, or do not, alike.
  std::int64_t timeout_ms = 5000;
};

struct TextAnswer {
  std::vector<LabelScore> ranked;  // Falling probability; at least one.
  double scope_score = 0;
  bool in_scope = true;
  double margin = 0;       // First less second probability.
  bool truncated = false;  // The text had more tokens than the encoder reads.
};

struct PredictAnswer {
  std::string task;
  std::int64_t head_version = 0;
  std::vector<TextAnswer> texts;  // As many as were asked, in order.
};

struct LearnRow {
  std::string text;
  std::string label;
  std::string id;      // Empty: the service makes one.
  std::string source;  // Free word for later filters, such as a file name.
};

struct LearnOptions {
  bool create_task = true;      // An unknown task is made; otherwise kNotFound.
  bool bulk = false;            // Part of a long stream: gives way to single requests.
  std::string idempotency_key;  // A repeat with the same key and rows answers as the first did.
};

enum class RowState : std::uint8_t {
  kLearned,    // New example.
  kReplaced,   // The id lived with another text or label: that one was unlearned, this one learned.
  kUnchanged,  // The id lives with the same text and label.
};

struct LearnAnswer {
  std::string task;
  bool created = false;           // The task was made by this call.
  std::vector<std::string> ids;   // One a row.
  std::vector<RowState> states;   // One a row.
  std::int64_t accepted = 0;      // Rows learned or replaced.
  std::int64_t examples = 0;      // The task holds now.
  std::int64_t classes = 0;       // Labels the task has now.
  std::int64_t head_version = 0;  // Includes these rows; live, or a candidate (TaskSettings).
};

// Which examples to unlearn: those that fit every member given; at least one is.
struct ExampleFilter {
  std::optional<std::string> label;
  std::optional<std::string> source;
  std::optional<std::int64_t> since_us;   // Learned at or after.
  std::optional<std::int64_t> before_us;  // Learned before.
};

struct BackupAnswer {
  std::string folder;
  std::string database;  // Hex SHA-256 of the copy.
  std::int64_t database_bytes = 0;
  std::int64_t artifacts = 0;
  std::int64_t artifacts_copied = 0;  // Those that the folder did not hold yet.
};

struct PurgeAnswer {
  std::string task;
  std::int64_t examples = 0;   // Unlearned rows whose text and features were erased now.
  std::int64_t artifacts = 0;  // Files removed that nothing names any more, of any task.
};

// What a task's log gives when everything is computed again from it.
struct VerifyAnswer {
  std::string task;
  std::int64_t examples = 0;
  std::string statistics;      // Digest of the sums in use.
  std::string statistics_log;  // Digest of the sums of the log; must be the same.
  std::int64_t head_version = 0;
  std::string head_digest;      // Of the live head as it is served; empty: nothing is.
  std::string head_digest_log;  // Solved again from the log; must be the same.
  bool ok() const { return statistics == statistics_log && head_digest == head_digest_log; }
};

struct UnlearnAnswer {  // The receipt.
  std::string task;
  std::vector<std::string> ids;      // Unlearned, in the order asked.
  std::vector<std::string> missing;  // Asked for, not held.
  std::string statistics_before;     // Hex digests of the sums.
  std::string statistics_after;
  std::int64_t examples = 0;
  std::int64_t head_version = 0;  // 0: no example is left, nothing is served.
};

// A change of a task's labels; nothing is encoded or trained again for it.
struct LabelEdit {
  enum class Kind : std::uint8_t {
    kRename,  // `label` is called `to`. No score changes.
    kMerge,   // The examples of `label` become those of `to`, which is held.
    kSplit,   // The examples `ids` of `label` become those of `to`, held or not.
    kDelete,  // The examples of `label` are unlearned.
  };
  Kind kind = Kind::kRename;
  std::string label;
  std::string to;
  std::vector<std::string> ids;
};
std::string_view LabelEditName(LabelEdit::Kind kind);  // "rename", "merge", "split", "delete".

// A name that moves between a task's versions:
//   live      what answers
//   previous  what was live before it
//   canary    answers a share of the requests, the same ones for the same key
//   shadow    scores every text and never answers; how often it agrees is counted
struct AliasInfo {
  std::string name;
  std::int64_t version = 0;
  double share = 0;  // Of a canary.
};

// Points an alias at a version.
struct AliasChange {
  std::string alias = "live";
  std::optional<std::int64_t> version;  // Or:
  std::string version_alias;            // what another alias names.
  double share = 0;                     // Of a canary: more than 0, at most 1.
  std::optional<std::int64_t>
      must_be_at;  // Refused when the alias names another version (0: none).
};

// Which versions are served by themselves; see TaskSettings.
struct Publishing {
  bool automatic = true;
  std::optional<double> max_accuracy_fall;
};

struct TaskInfo {
  std::string name;
  std::int64_t examples = 0;
  struct LabelInfo {
    std::string name;
    std::int64_t examples = 0;
  };
  std::vector<LabelInfo> labels;  // In byte order of the names.
  std::int64_t head_version = 0;  // 0: nothing learned yet.
  bool settled = false;
  std::string head;         // "A", "B"; empty when nothing is served.
  std::string block;        // "last", "layer4", "both".
  std::string head_digest;  // Hex.
  std::int64_t created_us = 0;
  std::int64_t updated_us = 0;     // Of the live version.
  std::vector<AliasInfo> aliases;  // Those that are set, live first.
  Publishing publishing;
};

struct VersionInfo {
  std::int64_t number = 0;
  bool live = false;
  std::vector<std::string> aliases;  // That name it.
  bool settled = false;
  std::int64_t examples = 0;
  std::string head_digest;
  std::string report;  // JSON.
  std::int64_t created_us = 0;
};

struct ExampleInfo {
  std::string id;
  std::optional<std::string> text;
  std::string label;
  std::string source;
  std::int64_t time_us = 0;
};

struct ExampleInfoPage {
  std::vector<ExampleInfo> examples;
  std::int64_t next_after = 0;  // 0: this was the last page.
};

struct EvaluateRow {
  std::string text;
  std::string label;
};

struct ModelInfo {
  std::string name;
  std::string encoder_id;
  std::string engine;
  std::string isa;
  bool isa_fell_back = false;
  std::int32_t hidden_size = 0;
  std::int32_t layers = 0;
  std::int32_t feature_dim = 0;
  std::int32_t vocabulary_size = 0;
  std::int32_t tokens_max = 0;
  std::int32_t threads = 0;
};

}  // namespace ctt::service

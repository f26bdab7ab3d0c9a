#pragma once
// What the product's verbs take and answer: plain values between the outside (HTTP, CLI) and the
// rooms inside. Texts are UTF-8 of any quality; limits are checked by Service.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learn/head.h"
#include "telemetry/stage_times.h"

namespace ctt::service {

// Called exactly once, from a thread of the service; must not block.
template <typename T>
using Done = std::function<void(Result<T>)>;

struct LabelScore {
  std::string label;
  double probability = 0;
};

// Becomes true when who asked went away: what has not been encoded by then is dropped. May be null.
using Gone = std::shared_ptr<const std::atomic<bool>>;

// Where the stages of a request are noted: here `tokenise`, `wait` and `encode`. May be null.
using Stages = std::shared_ptr<telemetry::StageTimes>;

struct NearExample {
  std::string id;
  std::optional<std::string> text;
  std::string label;
  double distance = 0;                             // learn/neighbours.h
  std::optional<std::vector<std::string>> labels;  // As in LearnRow.
  std::optional<double> number;
};

struct WordWeight {
  std::string word;
  // Log odds of the first label, with the word less without it; of a regression task, the number.
  double weight = 0;
};

struct NGramEffect {
  std::string ngram;  // text/ngrams.h
  bool is_characters = false;
  double weight = 0;  // What it adds to the score of the first label.
};

struct Explanation {
  std::vector<NearExample> nearest;  // Five at most, rising distance.
  std::vector<NGramEffect> ngrams;   // Of a head that weighs words: by falling weight.
  std::vector<WordWeight> words;     // In the order of the text; when asked for.
};

struct PredictOptions {
  std::int32_t top_k = 5;               // Labels in the answer; all when past their number.
  std::optional<std::int64_t> version;  // A head version instead of the live one.
  std::string alias;                    // Or what this alias names: "live", "previous", ...
  std::string key;                      // Equal keys get the canary, or do not, alike.
  std::int64_t timeout_ms = 5000;
  // Asks for the LAC set at this rate, in (0, 0.5]; of a regression task, for another interval than
  // that at kIntervalErrorRate. A multi-label task has neither.
  std::optional<double> error_rate;
  std::optional<double> threshold;  // Of a multi-label task: a label holds from here on, in (0, 1).
  // Asks to correct the answers for the labels' shares among these texts (prior_shift.h): of a
  // single-label task, without a set or an explanation.
  bool adjust_prior = false;
  bool explain = false;        // Asks for the nearest examples and the n-grams that count,
  bool explain_words = false;  // and for the weight of each word too.
  bool truncate = true;        // false: a text of too many tokens is refused instead of cut.
  Gone gone;
  Stages stages;
};

inline constexpr double kIntervalErrorRate = 0.1;
inline constexpr double kHoldsThreshold = 0.5;

struct NumberInterval {  // Holds the truth but for error_rate of the time.
  double low = 0, high = 0;
  double error_rate = 0;
};

struct TextAnswer {
  // Falling probability. One at least in a single-label task; none in a regression task.
  std::vector<LabelScore> ranked;
  // Of a multi-label task: all labels that hold, by falling probability.
  std::optional<std::vector<std::string>> holds;
  std::optional<double> number;            // Of a regression task,
  std::optional<NumberInterval> interval;  // absent when too little was learned to tell.
  double scope_score = 0;
  bool in_scope = true;
  double margin = 0;       // First less second probability.
  bool truncated = false;  // The text had more tokens than the encoder reads.
  // Labels that hold the truth but for error_rate of the time, by falling probability; never empty.
  std::optional<std::vector<std::string>> set;
  std::optional<Explanation> explanation;
};

struct PredictAnswer {
  std::string task;
  std::int64_t head_version = 0;
  std::vector<TextAnswer> texts;  // As many as were asked, in order.
  learn::TaskKind kind = learn::TaskKind::kSingle;
  std::vector<LabelScore> estimated_prior;  // By name; when adjust_prior asked for it.
};

struct RoutedText {
  std::vector<LabelScore> tasks;  // Tasks by falling probability; the first one answers.
  bool in_scope = true;           // false: unlike everything that any of the tasks has learned.
  std::int64_t head_version = 0;  // Of the first task.
  TextAnswer answer;
};

struct RouteAnswer {
  std::string router;             // Digest of the head that chose the tasks.
  std::vector<RoutedText> texts;  // As many as were asked, in order.
};

struct EmbedOptions {
  std::int64_t timeout_ms = 5000;
  bool truncate = true;  // As in PredictOptions.
  Gone gone;
  Stages stages;
};

struct EmbedAnswer {
  std::int32_t hidden_size = 0;   // H
  std::vector<float> embeddings;  // [texts, H], row-major, unit length.
  std::int64_t tokens = 0;        // Of all texts, as they were encoded.
  std::int64_t truncated = 0;     // Texts that were cut.
};

// Who asks for a write: what the audit log keeps of it.
struct Origin {
  std::string who = "local";  // Id of an API key; "anonymous": a server without keys; "local": a
                              // command on the data directory itself.
  std::string request;        // Id of the HTTP request.
};

// One write, as the audit log keeps it.
struct AuditInfo {
  std::int64_t seq = 0;
  std::int64_t time_us = 0;
  Origin origin;
  std::string action;
  std::string subject;
  std::int64_t rows = 0;
  std::string digest_before;  // Hex digests of the task's served head; empty: nothing was served.
  std::string digest_after;
};

struct LearnRow {
  std::string text;
  std::string label;
  std::string id;      // Empty: the service makes one.
  std::string source;  // Free word for later filters, such as a file name.
  // Instead of `label`: of a multi-label task, its labels; of a regression task, its number.
  std::optional<std::vector<std::string>> labels;
  std::optional<double> number;
};

// A row that the encoder has seen.
struct EncodedRow {
  LearnRow row;
  std::vector<std::int8_t> phi;  // [feature_dim]
};

struct LabelDescription {  // service/label_descriptions.h
  std::string name;
  std::optional<std::string> description;  // Absent: the name, spelled out.
};

struct LearnOptions {
  bool create_task = true;      // An unknown task is made; otherwise kNotFound.
  bool bulk = false;            // Part of a long stream: gives way to single requests.
  std::string idempotency_key;  // A repeat with the same key and rows answers as the first did.
  Origin origin;
  Stages stages;
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

// What a user decides about a task; the examples decide the rest.
struct TaskSettings {
  // Given when the task was made, or by its first example; absent: not known yet, or single-label.
  std::optional<learn::TaskKind> kind;
  // Share of in-scope texts that may be called out of scope: another threshold, no learning.
  double out_of_scope_rate = 0.05;
  learn::Prior prior = learn::Prior::kEmpirical;  // Another one settles the task anew.
  std::vector<std::string> groups;                // For routing; in byte order, each once.
  // Off: lessons and settling make candidates, and only a publish serves one.
  bool auto_publish = true;
  // The gate: a version is served by itself only when its leave-one-out accuracy is at most this
  // much below that of what is served. Lessons then wait to be served until they are settled, since
  // only a settled version knows its accuracy.
  std::optional<double> max_accuracy_fall;
  bool pinned = false;      // A version was rolled back to; it stays until the next lesson.
  double canary_share = 0;  // Of the requests that name no version.
  friend bool operator==(const TaskSettings&, const TaskSettings&) = default;
};

// What goes before a task's examples when it is exported.
struct TaskExport {
  std::string encoder_id;   // Of the features.
  std::string statistics;   // Digest of the sums of all examples that follow.
  std::string head_digest;  // Of the live head; empty: nothing is served.
  TaskSettings settings;
};

struct TaskChange {  // What is absent stays.
  std::optional<std::string> name;
  std::optional<double> out_of_scope_rate;
  std::optional<learn::Prior> prior;
  std::optional<std::vector<std::string>> groups;
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
  std::optional<learn::TaskKind> kind;  // Absent: the first example will tell.
  std::int64_t examples = 0;
  struct LabelInfo {
    std::string name;
    std::int64_t examples = 0;
  };
  std::vector<LabelInfo> labels;  // In byte order of the names.
  std::int64_t head_version = 0;  // 0: nothing learned yet.
  bool settled = false;
  std::string head;         // "A", "B", "C", "lexical"; empty when nothing is served.
  std::string block;        // "last", "layer4", "both".
  std::string head_digest;  // Hex.
  std::int64_t created_us = 0;
  std::int64_t updated_us = 0;  // Of the live version.
  TaskSettings settings;
  std::vector<AliasInfo> aliases;  // Those that are set, live first.
};

struct LabelInfo {
  std::string name;
  std::int64_t examples = 0;               // Its description among them.
  std::optional<std::string> description;  // Absent: it has none, or texts are not kept.
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
  std::optional<std::vector<std::string>> labels;  // As in LearnRow.
  std::optional<double> number;
};

struct ExampleInfoPage {
  std::vector<ExampleInfo> examples;
  std::int64_t next_after = 0;  // 0: this was the last page.
};

inline constexpr double kEvaluateErrorRate = 0.1;  // Of the sets whose coverage is measured.

struct EvaluateRow {
  std::string text;
  std::string label;
  std::optional<std::vector<std::string>> labels;  // As in LearnRow.
  std::optional<double> number;
};

struct SuggestOptions {
  std::int64_t count = 10;  // Texts to suggest, at most.
};

struct Suggestion {
  std::int64_t index = 0;  // Of the text among those given.
  TextAnswer answer;       // Its first label only.
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

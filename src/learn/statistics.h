#pragma once
// Sufficient statistics of one task: all that its head needs, and no example by itself.
//
//   sigma = (N, S, G)   over features phi in int8 [D], D = 768
//     N_c []      examples held with label c        S_c [D]   sum of phi over label c
//     G   [D, D]  sum of phi phi^T (upper triangle is what counts)
//   of a multi-label or regression task also
//     n   []      examples held                     s   [D]   sum of phi over all of them
//   of a regression task, which has no labels, with targets y in units (target.h)
//     Y   []      sum of y                          V   [D]   sum of y phi
//
// Sums are exact integers; one unit is one step of the feature quantiser. Merge commutes and
// associates, Remove inverts Add: order, replica and history leave no trace in the bytes. A label
// whose last example is removed is gone, as if it had never been learned. Source: the summation
// form of Cao & Yang, "Towards Making Systems Forget with Machine Unlearning", IEEE S&P 2015;
// METHOD, sections 2, 3 and 9.
//
// Threads: one writer; share only as const. A copy is deep: at D = 768, 1.2 MB for G (int32 up to
// 133,143 examples, int64 and twice that beyond) and 6 KB for each label.
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "learn/target.h"

namespace ctt::learn {

class Statistics {
 public:
  explicit Statistics(std::int32_t feature_dim, TaskKind kind = TaskKind::kSingle);

  // Learns rows phi [n, D] row-major with labels [n]; on any error *this is unchanged.
  // kInvalidArgument: sizes that do not fit, an entry of -128, or an empty label.
  Status Add(std::span<const std::int8_t> phi, std::span<const std::string> labels);

  // Unlearns rows. It cannot see whether they were ever added: the store's log can, and the caller
  // has asked it. kInvalidArgument: as Add. kFailedPrecondition: a label holds fewer examples than
  // that; *this is unchanged.
  Status Remove(std::span<const std::int8_t> phi, std::span<const std::string> labels);

  // The same for what rows of any kind of task say. kInvalidArgument also: targets of another kind.
  Status Add(std::span<const std::int8_t> phi, std::span<const Target> targets);
  Status Remove(std::span<const std::int8_t> phi, std::span<const Target> targets);

  // Learns all that `other` holds. kInvalidArgument: D or the kind differs.
  Status Merge(const Statistics& other);

  // Gives label `from` the name `to`. kNotFound; kAlreadyExists when `to` is held (merge labels
  // then); kInvalidArgument when it is empty.
  Status RenameLabel(std::string_view from, std::string_view to);
  // Adds label `from` to label `to` (held or not) and drops `from`. kNotFound; kInvalidArgument:
  // empty. Of a multi-label task, no example may hold both: see TakeFromLabel.
  Status MergeLabel(std::string_view from, std::string_view to);
  // Of a multi-label task: rows phi [n, D] hold `label` no longer, but stay. As Remove.
  Status TakeFromLabel(std::span<const std::int8_t> phi, std::string_view label);
  // The same rows as examples of one label of a single-label task.
  Statistics AsOneClass(const std::string& label) const;

  TaskKind kind() const { return kind_; }
  std::int32_t feature_dim() const { return feature_dim_; }
  std::int64_t example_count() const { return example_count_; }
  std::int32_t label_count() const { return static_cast<std::int32_t>(classes_.size()); }
  struct Class {
    std::int64_t count = 0;
    std::vector<std::int64_t> sum;  // [D]
    friend bool operator==(const Class&, const Class&) = default;
  };
  // By label, in byte order of the names.
  const std::map<std::string, Class, std::less<>>& classes() const { return classes_; }
  // n and s. REQUIRES: the task is not single-label.
  const Class& total() const { return total_; }
  // Y and V. REQUIRES: a regression task.
  Int128 number_sum() const { return number_sum_; }
  const std::vector<Int128>& number_sums() const { return number_sums_; }  // [D]
  // G_ij for i <= j, in int64: entry (i, j) of the upper triangle.
  std::int64_t Gram(std::int32_t i, std::int32_t j) const;
  // Entries (i, i) .. (i, D - 1), for arithmetic in fp64 (exact: they stay below 2^53).
  void GramRow(std::int32_t i, std::span<double> row) const;

  // The stored form (docs/internals/statistics.md): equal statistics give equal bytes.
  std::string Serialize() const;
  // kDataLoss: damaged, or written by a later version.
  static Result<Statistics> Parse(std::string_view bytes);
  Digest ContentDigest() const;  // SHA-256 of Serialize().

  std::size_t memory_bytes() const;
  friend bool operator==(const Statistics&, const Statistics&) = default;

 private:
  // No entry of G may pass 2^53, where fp64 stops being exact: this many examples at most.
  static constexpr std::int64_t kCountMax = INT64_MAX >> 24;

  Status CheckFeatures(std::span<const std::int8_t> phi, std::size_t rows) const;
  Status CheckTargets(std::span<const Target> targets) const;
  Status CheckHeld(const std::map<std::string_view, std::int64_t>& wanted) const;
  void Update(std::span<const std::int8_t> phi, std::span<const Target> targets, int sign);
  void UpdateClass(std::string_view label, const std::int8_t* row, int sign);
  void FitGramTo(std::int64_t example_count);
  void UpdateGram(std::span<const std::int8_t> phi, std::int64_t n, int sign);
  bool ReadTotals(ByteReader& reader, std::uint8_t sum_width);
  static void AddClass(Class& into, const Class& from);

  TaskKind kind_ = TaskKind::kSingle;
  std::int32_t feature_dim_ = 0;
  std::int64_t example_count_ = 0;
  Class total_;  // sum is empty in a single-label task, as the next are in all but regression.
  Int128 number_sum_ = 0;
  std::vector<Int128> number_sums_;
  std::map<std::string, Class, std::less<>> classes_;
  // The packed upper triangle of G (kernels/gram.h), in exactly one of the two: narrow while no sum
  // of so many examples could pass int32. The choice follows example_count_ alone, so that equal
  // statistics are equal member by member.
  std::vector<std::int32_t> narrow_gram_;
  std::vector<std::int64_t> wide_gram_;
};

}  // namespace ctt::learn

#pragma once
// Sufficient statistics of one single-label task: all that head A needs, and no example by itself.
//
//   sigma = (N, S, G)   over features phi in int8 [D], D = 768
//     N_c []      examples held with label c        S_c [D]   sum of phi over label c
//     G   [D, D]  sum of phi phi^T (upper triangle is what counts)
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

#include "base/hash.h"
#include "base/status.h"

namespace ctt::learn {

class Statistics {
 public:
  explicit Statistics(std::int32_t feature_dim);

  // Learns rows phi [n, D] row-major with labels [n]; on any error *this is unchanged.
  // kInvalidArgument: sizes that do not fit, an entry of -128, or an empty label.
  Status Add(std::span<const std::int8_t> phi, std::span<const std::string> labels);

  // Unlearns rows. It cannot see whether they were ever added: the store's log can, and the caller
  // has asked it. kInvalidArgument: as Add. kFailedPrecondition: a label holds fewer examples than
  // that; *this is unchanged.
  Status Remove(std::span<const std::int8_t> phi, std::span<const std::string> labels);

  // Learns all that `other` holds. kInvalidArgument: D differs.
  Status Merge(const Statistics& other);

  // Gives label `from` the name `to`. kNotFound; kAlreadyExists when `to` is held (merge labels
  // then); kInvalidArgument when it is empty.
  Status RenameLabel(std::string_view from, std::string_view to);
  // Adds label `from` to label `to` (held or not) and drops `from`. kNotFound; kInvalidArgument:
  // empty.
  Status MergeLabel(std::string_view from, std::string_view to);

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
  // No entry of G may pass 2^53, where fp64 stops being exact: 2^63 / this examples.
  static constexpr std::int64_t kClassCountShare = 1 << 24;

  Status CheckRows(std::span<const std::int8_t> phi, std::span<const std::string> labels) const;
  void FitGramTo(std::int64_t example_count);
  void UpdateGram(std::span<const std::int8_t> phi, std::int64_t n, int sign);
  static void AddClass(Class& into, const Class& from);

  std::int32_t feature_dim_ = 0;
  std::int64_t example_count_ = 0;
  std::map<std::string, Class, std::less<>> classes_;
  // The packed upper triangle of G (kernels/gram.h), in exactly one of the two: narrow while no sum
  // of so many examples could pass int32. The choice follows example_count_ alone, so that equal
  // statistics are equal member by member.
  std::vector<std::int32_t> narrow_gram_;
  std::vector<std::int64_t> wide_gram_;
};

}  // namespace ctt::learn

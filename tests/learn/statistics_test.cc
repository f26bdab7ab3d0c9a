#include "learn/statistics.h"

#include <sstream>

#include <gtest/gtest.h>

#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 5;

// Example number e of the tables below: features and label follow from e alone.
std::vector<std::int8_t> FeaturesOf(int e) {
  std::vector<std::int8_t> phi;
  for (int j = 0; j < kDim; ++j)
    phi.push_back(static_cast<std::int8_t>((e * 53 + j * 29) % 255 - 127));
  return phi;
}
std::vector<std::string> LabelOf(int e) { return {e % 2 == 0 ? "even" : "odd"}; }

// A history is words: "+3" learns example 3, "-3" unlearns it, "|" goes on at another replica;
// replicas are merged at the end.
std::string Replay(const std::string& history) {
  Statistics merged(kDim), replica(kDim);
  std::istringstream words(history);
  for (std::string word; words >> word;) {
    if (word == "|") {
      EXPECT_TRUE(merged.Merge(replica).ok());
      replica = Statistics(kDim);
      continue;
    }
    const int e = std::stoi(word.substr(1));
    const Status status = word[0] == '+' ? replica.Add(FeaturesOf(e), LabelOf(e))
                                         : replica.Remove(FeaturesOf(e), LabelOf(e));
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  EXPECT_TRUE(merged.Merge(replica).ok());
  return merged.Serialize();
}

struct History {
  const char *why, *left, *right;
};
constexpr History kSameBytes[] = {
    {"unlearning undoes learning", "+1 +2 -2", "+1"},
    {"order leaves no trace", "+1 +2 +3", "+3 +1 +2"},
    {"replicas add up to one", "+1 | +2", "+1 +2"},
    {"merging commutes", "+1 +4 | +2", "+2 | +4 +1"},
    {"merging associates", "+1 | +2 | +3", "+2 +3 | +1"},
    {"a repeat counts twice", "+1 +1 -1", "+1"},
    {"the last example takes its label along", "+1 +2 -1", "+2"},
    {"nothing stays behind", "+1 -1", ""},
};
constexpr History kOtherBytes[] = {{"a repeat is not one", "+1 +1", "+1"},
                                   {"examples differ", "+1", "+3"},
                                   {"labels differ", "+1", "+2"}};

TEST(StatisticsTest, EqualHistoriesLeaveEqualBytes) {
  for (const History& row : kSameBytes) EXPECT_EQ(Replay(row.left), Replay(row.right)) << row.why;
}
TEST(StatisticsTest, OtherHistoriesLeaveOtherBytes) {
  for (const History& row : kOtherBytes) EXPECT_NE(Replay(row.left), Replay(row.right)) << row.why;
}

TEST(StatisticsTest, SumsAreThePlainOnes) {
  const std::int32_t dim = 37;
  const Rows rows = RandomRows(131, dim, 4, 1, 100);
  const Statistics statistics = StatisticsOf(rows, dim);
  EXPECT_EQ(statistics.example_count(), 131);
  EXPECT_EQ(statistics.label_count(), 4);
  for (std::int32_t i = 0; i < dim; ++i)
    for (std::int32_t j = i; j < dim; ++j) {
      std::int64_t sum = 0;
      for (std::int64_t r = 0; r < rows.size(); ++r)
        sum += std::int64_t{rows.phi[r * dim + i]} * rows.phi[r * dim + j];
      ASSERT_EQ(statistics.Gram(i, j), sum) << i << " " << j;
    }
  for (std::int32_t c = 0; c < 4; ++c) {
    std::vector<std::int64_t> sum(dim);
    std::int64_t count = 0;
    for (std::int64_t r = 0; r < rows.size(); ++r) {
      if (rows.label_index[r] != c) continue;
      ++count;
      for (std::int32_t j = 0; j < dim; ++j) sum[j] += rows.phi[r * dim + j];
    }
    const Statistics::Class& held = statistics.classes().at(rows.labels[c]);
    EXPECT_EQ(held.count, count);
    EXPECT_EQ(held.sum, sum);
  }
  std::vector<double> row(dim - 3);
  statistics.GramRow(3, row);
  EXPECT_EQ(row[2], static_cast<double>(statistics.Gram(3, 5)));
}

TEST(StatisticsTest, RowsOneByOneEqualRowsAtOnce) {
  const std::int32_t dim = 11;
  const Rows rows = RandomRows(203, dim, 3, 2, 100);
  Statistics one_by_one(dim);
  const std::vector<std::string> labels = LabelsOf(rows);
  for (std::int64_t i = 0; i < rows.size(); ++i)
    ASSERT_TRUE(
        one_by_one.Add(std::span(rows.phi).subspan(i * dim, dim), std::span(labels).subspan(i, 1))
            .ok());
  EXPECT_EQ(one_by_one, StatisticsOf(rows, dim));
}

// 127^2 * 133,144 passes int32: the sums must widen there, and narrow again when examples go.
TEST(StatisticsTest, SumsWidenPastInt32AndBack) {
  constexpr std::int64_t kRows = 133'145;
  const std::vector<std::int8_t> phi(kRows * 2, 127);
  const std::vector<std::string> labels(kRows, "x");
  Statistics statistics(2);
  ASSERT_TRUE(statistics.Add(phi, labels).ok());
  EXPECT_EQ(statistics.Gram(0, 1), 127 * 127 * kRows);
  const std::size_t wide = statistics.memory_bytes();
  Result<Statistics> parsed = Statistics::Parse(statistics.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(*parsed, statistics);
  ASSERT_TRUE(
      statistics.Remove(std::span(phi).first(2 * (kRows - 1)), std::span(labels).first(kRows - 1))
          .ok());
  Statistics one(2);
  ASSERT_TRUE(one.Add(std::span(phi).first(2), std::span(labels).first(1)).ok());
  EXPECT_EQ(statistics, one);
  EXPECT_LT(statistics.memory_bytes(), wide);
  // Two halves that meet at a merge widen too.
  Statistics half(2);
  ASSERT_TRUE(half.Add(std::span(phi).first(2 * 70'000), std::span(labels).first(70'000)).ok());
  ASSERT_TRUE(half.Merge(half).ok());
  EXPECT_EQ(half.Gram(0, 0), 127 * 127 * std::int64_t{140'000});
  EXPECT_EQ(half.classes().at("x").count, 140'000);
  EXPECT_EQ(half.classes().at("x").sum[0], 127 * 140'000);
}

TEST(StatisticsTest, LabelsAreRenamedAndMerged) {
  Statistics statistics(kDim);
  for (const int e : {1, 2, 3}) ASSERT_TRUE(statistics.Add(FeaturesOf(e), LabelOf(e)).ok());
  EXPECT_EQ(statistics.RenameLabel("none", "x").code(), Code::kNotFound);
  EXPECT_EQ(statistics.RenameLabel("odd", "even").code(), Code::kAlreadyExists);
  EXPECT_EQ(statistics.RenameLabel("odd", "").code(), Code::kInvalidArgument);
  EXPECT_TRUE(statistics.RenameLabel("odd", "odd").ok());
  ASSERT_TRUE(statistics.RenameLabel("odd", "strange").ok());
  Statistics expected(kDim);
  for (const int e : {1, 3})
    ASSERT_TRUE(expected.Add(FeaturesOf(e), std::vector<std::string>{"strange"}).ok());
  ASSERT_TRUE(expected.Add(FeaturesOf(2), LabelOf(2)).ok());
  EXPECT_EQ(statistics, expected);

  EXPECT_EQ(statistics.MergeLabel("none", "x").code(), Code::kNotFound);
  EXPECT_EQ(statistics.MergeLabel("even", "").code(), Code::kInvalidArgument);
  ASSERT_TRUE(statistics.MergeLabel("strange", "even").ok());
  Statistics merged(kDim);
  for (const int e : {1, 2, 3})
    ASSERT_TRUE(merged.Add(FeaturesOf(e), std::vector<std::string>{"even"}).ok());
  EXPECT_EQ(statistics, merged);
  ASSERT_TRUE(statistics.MergeLabel("even", "new").ok());
  EXPECT_EQ(statistics.classes().begin()->first, "new");
}

struct Refused {
  const char* why;
  std::vector<std::int8_t> phi;
  std::vector<std::string> labels;
  Code add, remove;
};

TEST(StatisticsTest, RefusedRowsChangeNothing) {
  Statistics statistics(2);
  ASSERT_TRUE(statistics.Add(std::vector<std::int8_t>{1, 2}, std::vector<std::string>{"a"}).ok());
  const Statistics before = statistics;
  const Refused kRefused[] = {
      {"too few numbers", {1}, {"a"}, Code::kInvalidArgument, Code::kInvalidArgument},
      {"too many", {1, 2, 3, 4}, {"a"}, Code::kInvalidArgument, Code::kInvalidArgument},
      {"-128 has no twin",
       {1, 2, -128, 0},
       {"a", "a"},
       Code::kInvalidArgument,
       Code::kInvalidArgument},
      {"an empty label", {1, 2, 3, 4}, {"a", ""}, Code::kInvalidArgument, Code::kInvalidArgument},
      {"more than are held", {1, 2, 1, 2}, {"a", "a"}, Code::kOk, Code::kFailedPrecondition},
      {"of a label not held", {1, 2}, {"b"}, Code::kOk, Code::kFailedPrecondition},
  };
  for (const Refused& row : kRefused) {
    EXPECT_EQ(statistics.Remove(row.phi, row.labels).code(), row.remove) << row.why;
    EXPECT_EQ(statistics, before) << row.why;
    if (row.add == Code::kOk) continue;
    EXPECT_EQ(statistics.Add(row.phi, row.labels).code(), row.add) << row.why;
    EXPECT_EQ(statistics, before) << row.why;
  }
  EXPECT_EQ(statistics.Merge(Statistics(3)).code(), Code::kInvalidArgument);
  EXPECT_EQ(statistics, before);
}

TEST(StatisticsTest, StoredBytesComeBackWhateverTheirWidth) {
  for (const int rows : {0, 1, 3, 40, 3000}) {
    Statistics statistics(kDim);
    for (int e = 0; e < rows; ++e) ASSERT_TRUE(statistics.Add(FeaturesOf(e), LabelOf(e)).ok());
    const std::string bytes = statistics.Serialize();
    Result<Statistics> parsed = Statistics::Parse(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
    EXPECT_EQ(*parsed, statistics);
    EXPECT_EQ(parsed->Serialize(), bytes);
    EXPECT_EQ(parsed->ContentDigest(), Sha256(bytes));
  }
}

TEST(StatisticsTest, DamageIsFoundWhereverItIs) {
  Statistics statistics(kDim);
  for (const int e : {1, 2, 3}) ASSERT_TRUE(statistics.Add(FeaturesOf(e), LabelOf(e)).ok());
  const std::string bytes = statistics.Serialize();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(Statistics::Parse(damaged).status().code(), Code::kDataLoss) << "bit flip at " << i;
    EXPECT_EQ(Statistics::Parse(bytes.substr(0, i)).status().code(), Code::kDataLoss)
        << "cut at " << i;
  }
  EXPECT_EQ(Statistics::Parse(bytes + "x").status().code(), Code::kDataLoss);
}

// The document's hexdump: docs/internals/statistics.md.
TEST(StatisticsTest, TheDocumentedBytesAreTheBytes) {
  Statistics statistics(2);
  ASSERT_TRUE(
      statistics.Add(std::vector<std::int8_t>{3, -4, 100, 5}, std::vector<std::string>{"no", "yes"})
          .ok());
  std::string hex;
  for (const char byte : statistics.Serialize()) {
    static constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[byte & 15];
  }
  EXPECT_EQ(
      hex,
      "4354545301000000020000000200000001020200"  // Magic, version, D, C, widths, "no": length
      "00006e6f010000000000000003fc"              // "no", N = 1, S = (3, -4)
      "0300000079657301000000000000006405"        // "yes", N = 1, S = (100, 5)
      "1927e8012900"                              // G = 10009, 488, 41
      "a029245de8850437");
}

}  // namespace
}  // namespace ctt::learn

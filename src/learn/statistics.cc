#include "learn/statistics.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"
#include "kernels/gram.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kRowsAtOnce = 64;      // Packed as int16 pairs: 96 KiB at D = 768.
constexpr std::uint32_t kMagic = 0x53545443;  // "CTTS".
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kKindVersion = 2;  // Of a task that is not single-label.
constexpr std::int32_t kFeatureDimMax = 1 << 14;
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kMapNodeBytes = 48;  // Beside the key and the value.

// triangle += sign * X^T X for rows phi [n, D].
void AddRows(std::span<const std::int8_t> phi, std::int64_t n, std::int32_t dim, int sign,
             std::int32_t* triangle) {
  std::vector<std::int16_t> pairs(static_cast<std::size_t>(std::min(n + 1, kRowsAtOnce)) * dim);
  for (std::int64_t first = 0; first < n; first += kRowsAtOnce) {
    const std::int64_t count = std::min(n - first, kRowsAtOnce);
    const std::int64_t pair_count = (count + 1) / 2;
    for (std::int64_t p = 0; p < pair_count; ++p) {
      const std::int8_t* even = phi.data() + (first + 2 * p) * dim;
      const bool has_odd = 2 * p + 1 < count;
      std::int16_t* out = pairs.data() + p * dim * 2;
      for (std::int32_t j = 0; j < dim; ++j) {
        // NOLINTBEGIN(bugprone-signed-char-misuse): numbers, not characters.
        out[2 * j] = even[j];
        out[2 * j + 1] = has_odd ? even[dim + j] : std::int8_t{0};
        // NOLINTEND(bugprone-signed-char-misuse)
      }
    }
    kernels::Gram().add(pairs.data(), static_cast<std::int32_t>(pair_count), dim, sign, triangle);
  }
}

template <typename T>
std::uint8_t WidthOf(const std::vector<T>& values) {
  T low = 0, high = 0;
  for (const T value : values) low = std::min(low, value), high = std::max(high, value);
  const auto fits = [&](std::int64_t least, std::int64_t most) {
    return low >= least && high <= most;
  };
  if (fits(INT8_MIN, INT8_MAX)) return 1;
  if (fits(INT16_MIN, INT16_MAX)) return 2;
  return fits(INT32_MIN, INT32_MAX) ? 4 : 8;
}

template <typename Narrow, typename T>
void WriteAs(ByteWriter& writer, const std::vector<T>& values) {
  std::vector<Narrow> narrow(values.begin(), values.end());
  writer.WriteArray(std::span<const Narrow>(narrow));
}

template <typename T>
void WriteIntegers(ByteWriter& writer, const std::vector<T>& values, std::uint8_t width) {
  if (width == 1) return WriteAs<std::int8_t>(writer, values);
  if (width == 2) return WriteAs<std::int16_t>(writer, values);
  if (width == 4) return WriteAs<std::int32_t>(writer, values);
  WriteAs<std::int64_t>(writer, values);
}

template <typename Narrow, typename T>
std::vector<T> ReadAs(ByteReader& reader, std::size_t count) {
  if (reader.remaining() / sizeof(Narrow) < count) {
    reader.ReadArray(
        std::span<Narrow>(static_cast<Narrow*>(nullptr), count));  // Marks the failure.
    return {};
  }
  std::vector<Narrow> narrow(count);
  reader.ReadArray(std::span<Narrow>(narrow));
  return {narrow.begin(), narrow.end()};
}

template <typename T>
std::vector<T> ReadIntegers(ByteReader& reader, std::size_t count, std::uint8_t width) {
  if (width == 1) return ReadAs<std::int8_t, T>(reader, count);
  if (width == 2) return ReadAs<std::int16_t, T>(reader, count);
  if (width == 4) return ReadAs<std::int32_t, T>(reader, count);
  return ReadAs<std::int64_t, T>(reader, count);
}

bool IsWidth(std::uint8_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }

Status Damaged(const char* what) { return DataLoss(std::string("statistics: ") + what); }

std::string_view CheckOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), kCheckBytes};
}

}  // namespace

Statistics::Statistics(std::int32_t feature_dim, TaskKind kind)
    : kind_(kind), feature_dim_(feature_dim) {
  CTT_CHECK(feature_dim >= 1 && feature_dim <= kFeatureDimMax);
  narrow_gram_.assign(kernels::GramOffset(feature_dim, feature_dim), 0);
  if (kind != TaskKind::kSingle) total_.sum.resize(feature_dim);
  if (kind == TaskKind::kRegression) number_sums_.resize(feature_dim);
}

Status Statistics::CheckFeatures(std::span<const std::int8_t> phi, std::size_t rows) const {
  if (phi.size() != rows * static_cast<std::size_t>(feature_dim_))
    return InvalidArgument("features hold " + std::to_string(phi.size()) + " numbers where " +
                           std::to_string(rows) + " rows of " + std::to_string(feature_dim_) +
                           " are wanted");
  if (std::find(phi.begin(), phi.end(), std::int8_t{-128}) != phi.end())
    return InvalidArgument("a feature is -128; features lie in -127 .. 127");
  return Status::Ok();
}

Status Statistics::CheckTargets(std::span<const Target> targets) const {
  for (const Target& target : targets) {
    const bool fits =
        kind_ == TaskKind::kMulti || target.labels.size() == (kind_ == TaskKind::kSingle);
    if (!fits) return InvalidArgument("an example says something of another kind of task");
    for (std::size_t i = 0; i < target.labels.size(); ++i) {
      if (target.labels[i].empty()) return InvalidArgument("a label is empty");
      if (i > 0 && target.labels[i] <= target.labels[i - 1])
        return InvalidArgument("the labels of an example are not in byte order, each once");
    }
  }
  return Status::Ok();
}

void Statistics::UpdateGram(std::span<const std::int8_t> phi, std::int64_t n, int sign) {
  if (wide_gram_.empty()) return AddRows(phi, n, feature_dim_, sign, narrow_gram_.data());
  std::vector<std::int32_t> part(wide_gram_.size());
  for (std::int64_t first = 0; first < n; first += kernels::kGramRowsMax) {
    const std::int64_t count = std::min(n - first, kernels::kGramRowsMax);
    std::fill(part.begin(), part.end(), 0);
    AddRows(phi.subspan(static_cast<std::size_t>(first) * feature_dim_), count, feature_dim_, 1,
            part.data());
    for (std::size_t i = 0; i < part.size(); ++i) wide_gram_[i] += sign * std::int64_t{part[i]};
  }
}

void Statistics::FitGramTo(std::int64_t example_count) {
  const bool wide = example_count > kernels::kGramRowsMax;
  if (wide == !wide_gram_.empty()) return;
  if (wide) {
    wide_gram_.assign(narrow_gram_.begin(), narrow_gram_.end());
    std::vector<std::int32_t>().swap(narrow_gram_);
  } else {
    narrow_gram_.assign(wide_gram_.begin(), wide_gram_.end());
    std::vector<std::int64_t>().swap(wide_gram_);
  }
}

namespace {

std::vector<Target> TargetsOf(std::span<const std::string> labels) {
  std::vector<Target> targets(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) targets[i].labels = {labels[i]};
  return targets;
}

}  // namespace

Status Statistics::Add(std::span<const std::int8_t> phi, std::span<const std::string> labels) {
  return Add(phi, TargetsOf(labels));
}

Status Statistics::Remove(std::span<const std::int8_t> phi, std::span<const std::string> labels) {
  return Remove(phi, TargetsOf(labels));
}

Status Statistics::Add(std::span<const std::int8_t> phi, std::span<const Target> targets) {
  CTT_RETURN_IF_ERROR(CheckFeatures(phi, targets.size()));
  CTT_RETURN_IF_ERROR(CheckTargets(targets));
  const auto n = static_cast<std::int64_t>(targets.size());
  FitGramTo(example_count_ + n);
  UpdateGram(phi, n, 1);
  Update(phi, targets, 1);
  return Status::Ok();
}

Status Statistics::CheckHeld(const std::map<std::string_view, std::int64_t>& wanted) const {
  for (const auto& [label, count] : wanted) {
    const auto held = classes_.find(label);
    const std::int64_t present = held == classes_.end() ? 0 : held->second.count;
    if (present < count)
      return FailedPrecondition("label '" + std::string(label) + "' holds " +
                                std::to_string(present) + " examples, fewer than the " +
                                std::to_string(count) + " to unlearn");
  }
  return Status::Ok();
}

Status Statistics::Remove(std::span<const std::int8_t> phi, std::span<const Target> targets) {
  CTT_RETURN_IF_ERROR(CheckFeatures(phi, targets.size()));
  CTT_RETURN_IF_ERROR(CheckTargets(targets));
  const auto n = static_cast<std::int64_t>(targets.size());
  if (n > example_count_)
    return FailedPrecondition("the task holds " + std::to_string(example_count_) +
                              " examples, fewer than the " + std::to_string(n) + " to unlearn");
  std::map<std::string_view, std::int64_t> wanted;
  for (const Target& target : targets)
    for (const std::string& label : target.labels) ++wanted[label];
  CTT_RETURN_IF_ERROR(CheckHeld(wanted));
  UpdateGram(phi, n, -1);
  Update(phi, targets, -1);
  FitGramTo(example_count_);
  return Status::Ok();
}

// All but G. REQUIRES: what is taken away is there.
void Statistics::Update(std::span<const std::int8_t> phi, std::span<const Target> targets,
                        int sign) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::int8_t* row = phi.data() + i * static_cast<std::size_t>(feature_dim_);
    for (const std::string& label : targets[i].labels) UpdateClass(label, row, sign);
    example_count_ += sign;
    if (kind_ == TaskKind::kSingle) continue;
    total_.count += sign;
    for (std::int32_t j = 0; j < feature_dim_; ++j) total_.sum[j] += sign * row[j];
    if (kind_ != TaskKind::kRegression) continue;
    const Int128 units = Int128{sign} * targets[i].units;
    number_sum_ += units;
    for (std::int32_t j = 0; j < feature_dim_; ++j) number_sums_[j] += units * row[j];
  }
}

void Statistics::UpdateClass(std::string_view label, const std::int8_t* row, int sign) {
  auto held = classes_.find(label);
  if (held == classes_.end()) held = classes_.emplace(label, Class()).first;
  held->second.sum.resize(feature_dim_);
  for (std::int32_t j = 0; j < feature_dim_; ++j) held->second.sum[j] += sign * row[j];
  held->second.count += sign;
  if (held->second.count == 0) classes_.erase(held);
}

Status Statistics::TakeFromLabel(std::span<const std::int8_t> phi, std::string_view label) {
  const std::size_t rows = phi.size() / static_cast<std::size_t>(feature_dim_);
  if (kind_ != TaskKind::kMulti)
    return InvalidArgument("only the examples of a multi-label task can lose a label and stay");
  CTT_RETURN_IF_ERROR(CheckFeatures(phi, rows));
  CTT_RETURN_IF_ERROR(CheckHeld({{label, static_cast<std::int64_t>(rows)}}));
  for (std::size_t i = 0; i < rows; ++i)
    UpdateClass(label, phi.data() + i * static_cast<std::size_t>(feature_dim_), -1);
  return Status::Ok();
}

Statistics Statistics::AsOneClass(const std::string& label) const {
  Statistics one(feature_dim_);
  one.narrow_gram_ = narrow_gram_;
  one.wide_gram_ = wide_gram_;
  one.example_count_ = example_count_;
  if (example_count_ == 0) return one;
  Class all = total_;
  if (kind_ == TaskKind::kSingle)
    for (const auto& [name, held] : classes_) AddClass(all, held);
  one.classes_.emplace(label, std::move(all));
  return one;
}

Status Statistics::Merge(const Statistics& other) {
  if (other.feature_dim_ != feature_dim_)
    return InvalidArgument("features of " + std::to_string(other.feature_dim_) +
                           " numbers cannot join features of " + std::to_string(feature_dim_));
  if (other.kind_ != kind_)
    return InvalidArgument("sums of different kinds of task cannot be joined");
  FitGramTo(example_count_ + other.example_count_);
  const auto add = [](auto& into, const auto& from) {
    for (std::size_t i = 0; i < from.size(); ++i) into[i] += from[i];
  };
  if (wide_gram_.empty()) {
    add(narrow_gram_, other.narrow_gram_);
  } else {
    add(wide_gram_, other.narrow_gram_);
    add(wide_gram_, other.wide_gram_);
  }
  example_count_ += other.example_count_;
  if (&other == this) {
    for (auto& [label, held] : classes_) AddClass(held, Class(held));
  } else {
    for (const auto& [label, held] : other.classes_) AddClass(classes_[label], held);
  }
  if (kind_ != TaskKind::kSingle) AddClass(total_, Class(other.total_));
  add(number_sums_, std::vector<Int128>(other.number_sums_));
  number_sum_ += other.number_sum_;
  return Status::Ok();
}

void Statistics::AddClass(Class& into, const Class& from) {
  into.count += from.count;
  into.sum.resize(from.sum.size());
  for (std::size_t j = 0; j < from.sum.size(); ++j) into.sum[j] += from.sum[j];
}

Status Statistics::RenameLabel(std::string_view from, std::string_view to) {
  const auto held = classes_.find(from);
  if (held == classes_.end()) return NotFound("no label '" + std::string(from) + "'");
  if (to.empty()) return InvalidArgument("a label is empty");
  if (from == to) return Status::Ok();
  if (classes_.contains(to))
    return {Code::kAlreadyExists, "label_exists",
            "label '" + std::string(to) + "' is held; merge the two"};
  auto node = classes_.extract(held);
  node.key() = to;
  classes_.insert(std::move(node));
  return Status::Ok();
}

Status Statistics::MergeLabel(std::string_view from, std::string_view to) {
  const auto held = classes_.find(from);
  if (held == classes_.end()) return NotFound("no label '" + std::string(from) + "'");
  if (to.empty()) return InvalidArgument("a label is empty");
  if (from == to) return Status::Ok();
  const auto node = classes_.extract(held);
  AddClass(classes_[std::string(to)], node.mapped());
  return Status::Ok();
}

std::int64_t Statistics::Gram(std::int32_t i, std::int32_t j) const {
  CTT_CHECK(0 <= i && i <= j && j < feature_dim_);
  const std::size_t at = kernels::GramOffset(i, feature_dim_) + static_cast<std::size_t>(j - i);
  return wide_gram_.empty() ? narrow_gram_[at] : wide_gram_[at];
}

void Statistics::GramRow(std::int32_t i, std::span<double> row) const {
  CTT_CHECK(0 <= i && i < feature_dim_ && row.size() == static_cast<std::size_t>(feature_dim_ - i));
  const std::size_t at = kernels::GramOffset(i, feature_dim_);
  if (wide_gram_.empty())
    std::copy_n(narrow_gram_.begin() + static_cast<std::ptrdiff_t>(at), row.size(), row.begin());
  else
    std::copy_n(wide_gram_.begin() + static_cast<std::ptrdiff_t>(at), row.size(), row.begin());
}

namespace {

void WriteInt128(ByteWriter& writer, Int128 value) {
  writer.Write(static_cast<std::uint64_t>(value));
  writer.Write(static_cast<std::int64_t>(value >> 64));
}

Int128 ReadInt128(ByteReader& reader) {
  const auto low = reader.Read<std::uint64_t>();
  const auto high = reader.Read<std::int64_t>();
  return Int128{high} * (Int128{1} << 64) + low;
}

}  // namespace

std::string Statistics::Serialize() const {
  std::uint8_t sum_width = WidthOf(total_.sum);
  for (const auto& [label, held] : classes_) sum_width = std::max(sum_width, WidthOf(held.sum));
  const std::uint8_t gram_width = wide_gram_.empty() ? WidthOf(narrow_gram_) : WidthOf(wide_gram_);
  ByteWriter writer;
  writer.Write(kMagic);
  writer.Write(kind_ == TaskKind::kSingle ? kVersion : kKindVersion);
  writer.Write(feature_dim_);
  writer.Write(static_cast<std::uint32_t>(classes_.size()));
  writer.Write(sum_width);
  writer.Write(gram_width);
  if (kind_ != TaskKind::kSingle) {
    writer.Write(static_cast<std::uint8_t>(kind_));
    writer.Write(total_.count);
    WriteIntegers(writer, total_.sum, sum_width);
  }
  if (kind_ == TaskKind::kRegression) {
    WriteInt128(writer, number_sum_);
    for (const Int128 sum : number_sums_) WriteInt128(writer, sum);
  }
  for (const auto& [label, held] : classes_) {
    writer.WriteString(label);
    writer.Write(held.count);
    WriteIntegers(writer, held.sum, sum_width);
  }
  if (wide_gram_.empty())
    WriteIntegers(writer, narrow_gram_, gram_width);
  else
    WriteIntegers(writer, wide_gram_, gram_width);
  std::string bytes = std::move(writer).Take();
  bytes.append(CheckOf(Sha256(bytes)));
  return bytes;
}

// Of a task that is not single-label; false: they are not whole.
bool Statistics::ReadTotals(ByteReader& reader, std::uint8_t sum_width) {
  if (kind_ == TaskKind::kSingle) return true;
  total_.count = reader.Read<std::int64_t>();
  total_.sum = ReadIntegers<std::int64_t>(reader, feature_dim_, sum_width);
  example_count_ = total_.count;
  if (kind_ == TaskKind::kRegression) {
    number_sum_ = ReadInt128(reader);
    for (Int128& sum : number_sums_) sum = ReadInt128(reader);
  }
  return !reader.failed() && total_.count >= 0 && total_.count <= kCountMax;
}

Result<Statistics> Statistics::Parse(std::string_view bytes) {
  if (bytes.size() < kCheckBytes) return Damaged("too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kCheckBytes);
  ByteReader reader(body);
  if (reader.Read<std::uint32_t>() != kMagic) return Damaged("not statistics");
  const auto version = reader.Read<std::uint32_t>();
  if (version != kVersion && version != kKindVersion) return Damaged("written by another version");
  if (bytes.substr(body.size()) != CheckOf(Sha256(body))) return Damaged("the checksum differs");
  const auto feature_dim = reader.Read<std::int32_t>();
  const auto class_count = reader.Read<std::uint32_t>();
  const auto sum_width = reader.Read<std::uint8_t>();
  const auto gram_width = reader.Read<std::uint8_t>();
  if (reader.failed() || feature_dim < 1 || feature_dim > kFeatureDimMax || !IsWidth(sum_width) ||
      !IsWidth(gram_width))
    return Damaged("the header makes no sense");
  const auto kind = version == kKindVersion ? reader.Read<std::uint8_t>() : std::uint8_t{0};
  if (kind > static_cast<std::uint8_t>(TaskKind::kRegression) ||
      (kind == 0) != (version == kVersion))
    return Damaged("the header makes no sense");
  if (kind == static_cast<std::uint8_t>(TaskKind::kRegression) && class_count > 0)
    return Damaged("numbers have no labels");
  Statistics statistics(feature_dim, static_cast<TaskKind>(kind));
  if (!statistics.ReadTotals(reader, sum_width)) return Damaged("the totals make no sense");
  std::string_view previous;
  for (std::uint32_t c = 0; c < class_count; ++c) {
    const std::string_view label = reader.ReadString();
    Class held;
    held.count = reader.Read<std::int64_t>();
    held.sum = ReadIntegers<std::int64_t>(reader, feature_dim, sum_width);
    if (reader.failed()) return Damaged("cut short");
    const std::int64_t room = statistics.kind_ == TaskKind::kSingle
                                  ? kCountMax - statistics.example_count_
                                  : statistics.example_count_;
    if (label.empty() || label <= previous || held.count < 1 || held.count > room)
      return Damaged("a label makes no sense");
    if (statistics.kind_ == TaskKind::kSingle) statistics.example_count_ += held.count;
    statistics.classes_.emplace_hint(statistics.classes_.end(), label, std::move(held));
    previous = label;
  }
  const std::size_t entries = statistics.narrow_gram_.size();
  if (statistics.example_count_ > kernels::kGramRowsMax) {
    std::vector<std::int32_t>().swap(statistics.narrow_gram_);
    statistics.wide_gram_ = ReadIntegers<std::int64_t>(reader, entries, gram_width);
  } else if (gram_width == 8) {
    return Damaged("the Gram matrix is wider than its examples allow");
  } else {
    statistics.narrow_gram_ = ReadIntegers<std::int32_t>(reader, entries, gram_width);
  }
  if (reader.failed() || reader.remaining() != 0)
    return Damaged("the size does not fit the header");
  return statistics;
}

Digest Statistics::ContentDigest() const { return Sha256(Serialize()); }

std::size_t Statistics::memory_bytes() const {
  std::size_t bytes = sizeof *this + narrow_gram_.capacity() * sizeof(std::int32_t) +
                      wide_gram_.capacity() * sizeof(std::int64_t) +
                      total_.sum.capacity() * sizeof(std::int64_t) +
                      number_sums_.capacity() * sizeof(Int128);
  for (const auto& [label, held] : classes_)
    bytes += kMapNodeBytes + sizeof(std::string) + label.capacity() + sizeof(Class) +
             held.sum.capacity() * sizeof(std::int64_t);
  return bytes;
}

}  // namespace ctt::learn

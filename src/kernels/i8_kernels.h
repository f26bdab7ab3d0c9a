#pragma once
// The int8 kernels of a transformer pass: matrix product with packed weights, quantisation,
// LayerNorm with quantisation, attention.
//
// Numbers. A row of activations is bytes a = rint(x / s) + 128 in 1 .. 255 with one scale s =
// max|x| / 127 of its own; a weight is w in -127 .. 127 with one scale of its output column. A
// product is
//   y = s_row s_column sum_k (a - 128) w + bias,   the sum exact in int32.
//
// No sum can saturate, by construction. AVX2 adds products of four weights in 16 bits before it
// widens them, so PackI8 bounds every such group of a column (OctetGroup): positive weights sum to
// at most 128, negative ones to at least -128; then |255 * 128| = 32,640 < 2^15. Attention keeps
// |q| <= 63 (stored
// + 64) and |k| <= 63: 4 * 127 * 63 = 32,004; probabilities are 0 .. 254 against |v| <= 63 with two
// to a 16-bit sum: 2 * 254 * 63 = 32,004.
//
// Bits: every ISA gives the same. Sums are integers; what follows them is fp32 in one order, over
// the sixteen lanes of vec_reference.h. Inputs are finite.
//
// Threads: pure functions over the caller's memory. Errors: none; shapes are the caller's promise:
// widths are multiples of 16, k is a multiple of 8.
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/f32_kernels.h"
#include "kernels/isa.h"

namespace ctt::kernels {

// One packed matrix [n, k]; borrows its arrays.
struct WeightsI8 {
  const std::int8_t* panels = nullptr;  // [n / 16, k / 4, 16, 4]
  const std::int32_t* start = nullptr;  // [n]: -128 sum_k w, what a sum over a begins with.
  const float* scale = nullptr;         // [n]
  const float* bias = nullptr;          // [n]
  std::int32_t n = 0;
  std::int32_t k = 0;
};

// y[r, :] = a[r, :] W^T + bias, then the epilogue: kBias, kBiasGelu (an approximation within 2e-4
// (1 + |x|), for values that are quantised next) or kBiasResidual (y += its old content).
struct ProductI8 {
  const WeightsI8* weights = nullptr;
  const std::uint8_t* a = nullptr;  // [rows, k]
  const float* a_scale = nullptr;   // [rows]
  std::int32_t rows = 0;
  Epilogue epilogue = Epilogue::kBias;
  float* y = nullptr;  // [rows, n]
};

// Rows to bytes, each with its scale.
struct QuantiseI8 {
  const float* x = nullptr;  // [rows, width]
  std::int32_t rows = 0;
  std::int32_t width = 0;
  std::uint8_t* a = nullptr;  // [rows, width]
  float* a_scale = nullptr;   // [rows]
};

// LayerNorm in place, then a = the row times `factor` per column, quantised: the weights that read
// `a` hold 1 / factor. factor == nullptr: no quantisation. x is already normalised if gamma ==
// nullptr.
struct NormaliseI8 {
  LayerNormF32 norm;
  const float* factor = nullptr;  // [width]
  std::uint8_t* a = nullptr;      // [rows, width]
  float* a_scale = nullptr;       // [rows]
};

// Self-attention of each text alone: softmax(Q K^T / sqrt(d)) V for every head, d = width / heads.
// Scales: one for the queries and one for the keys of a text in a head, one for each column of its
// values.
struct AttentionI8 {
  const float* qkv = nullptr;  // [rows, 3 width]: each row Q, K, V.
  std::int32_t width = 0;
  std::int32_t heads = 0;  // d is a multiple of 16.
  const std::int32_t* offsets =
      nullptr;  // [texts + 1]: text t is rows offsets[t] to offsets[t + 1].
  std::int32_t texts = 0;
  float* context = nullptr;      // [rows, width]
  std::byte* scratch = nullptr;  // AttentionI8ScratchBytes(...)
};

struct I8Kernels {
  void (*product)(const ProductI8&);
  void (*quantise)(const QuantiseI8&);
  void (*normalise)(const NormaliseI8&);
  void (*attention)(const AttentionI8&);
};

// REQUIRES: isa is one of PresentIsas().
const I8Kernels& GetI8Kernels(Isa isa);

// The start-up self-check: every kernel of `isa` on small made inputs, extreme ones among them,
// byte by byte against kReference. Takes a few milliseconds.
bool I8KernelsAgree(Isa isa);

// Scratch that AttentionI8 needs for texts of at most `tokens_max` tokens.
std::size_t AttentionI8ScratchBytes(std::int32_t tokens_max, std::int32_t width);

// Of each eight consecutive k, 16-bit sums take {0, 1, 4, 5} and {2, 3, 6, 7}.
inline constexpr std::int32_t OctetGroup(std::int32_t k) { return k / 8 * 2 + k / 2 % 2; }
inline constexpr std::int32_t kGroupSumMax = 128;

// Quantises and packs weights [n, k] (one row an output): for each output the scale, of a few
// tried, whose weights within the bound differ least from the given ones in the sum of squares.
// REQUIRES: finite.
void PackI8(std::span<const float> weights, std::int32_t n, std::int32_t k,
            std::span<std::int8_t> panels, std::span<std::int32_t> start, std::span<float> scale);

// Whether every group of every column keeps the bound: what a reader of packed bytes must ask
// first.
bool PackedI8IsSafe(std::span<const std::int8_t> panels, std::int32_t n, std::int32_t k);

}  // namespace ctt::kernels

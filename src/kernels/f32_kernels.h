#pragma once
// The fp32 kernels of a transformer pass: matrix product, LayerNorm, attention, embedding, pooling.
//
// Bits: every ISA gives the same. Each element of a matrix product is one chain of fused
// multiply-adds over k from 0 upward, so neither the vector width nor the blocking of rows, columns
// or k can show; other sums are sixteen partial sums (lane i takes the elements i mod 16) and one
// fixed tree (vec_reference.h). exp and erf are the polynomials of f32_math.inc. Inputs are finite;
// a NaN stays one, its bits may vary.
//
// Weights are packed once into panels of 16 columns (PackPanels): [N / 16, K, 16]. Widths are
// multiples of 16. A matrix of activations is row-major [rows, width], or panel-major [width / 16,
// rows, 16].
//
// Threads: pure functions over the caller's memory. Errors: none; shapes are the caller's promise.
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/isa.h"

namespace ctt::kernels {

inline constexpr std::int32_t kPanelWidth = 16;

// What is done to an element after its last product.
enum class Epilogue {
  kNone,
  kBias,          // + bias[column]
  kBiasGelu,      // gelu(+ bias[column]), gelu(x) = x/2 (1 + erf(x / sqrt 2))
  kBiasResidual,  // + bias[column], + residual[row, column]
};

// C = A B, or C += A B continuing each element's chain (`accumulate`), then the epilogue.
struct GemmF32 {
  const float* a = nullptr;  // [rows, k]; row r begins at a + r a_stride.
  std::ptrdiff_t a_stride = 0;
  const float* b = nullptr;  // [panels, k, 16]; panel p begins at b + p b_stride.
  std::ptrdiff_t b_stride = 0;
  bool b_is_far = false;  // b comes from memory or a shared cache, as a model does: prefetch it.
  float* c = nullptr;     // [rows, 16 panels]: element (r, j) at c + r c_row_stride
  std::ptrdiff_t c_row_stride = 0;     //          + (j / 16) c_panel_stride + j mod 16.
  std::ptrdiff_t c_panel_stride = 16;  // 16: row-major.
  std::int32_t rows = 0;
  std::int32_t k = 0;
  std::int32_t panels = 0;
  bool accumulate = false;
  Epilogue epilogue = Epilogue::kNone;
  const float* bias = nullptr;      // [16 panels]
  const float* residual = nullptr;  // [rows, 16 panels], row-major.
  std::ptrdiff_t residual_stride = 0;
};

// Each row: (x - mean) / sqrt(variance + epsilon) * gamma + beta, in place. Variance by a second
// pass.
struct LayerNormF32 {
  float* x = nullptr;  // [rows, width]
  std::int32_t rows = 0;
  std::int32_t width = 0;
  const float* gamma = nullptr;  // [width]
  const float* beta = nullptr;   // [width]
  float epsilon = 0;
};

// Self-attention of each text alone: softmax(Q K^T / sqrt(d)) V for every head, d = width / heads.
struct AttentionF32 {
  const float* qkv =
      nullptr;  // Panel-major [3 width / 16, rows, 16]: all Q, then all K, then all V.
  std::int32_t rows = 0;
  std::int32_t width = 0;
  std::int32_t heads = 0;  // d is a multiple of 16.
  const std::int32_t* offsets =
      nullptr;  // [texts + 1]: text t is rows offsets[t] to offsets[t + 1].
  std::int32_t texts = 0;
  float* context = nullptr;  // [rows, width]
  float* scratch = nullptr;  // AttentionScratchFloats(...) floats.
};

// x[row] = LayerNorm(word[id] + position[place in its text]).
struct EmbedF32 {
  const std::int32_t* ids = nullptr;      // [rows]
  const std::int32_t* offsets = nullptr;  // [texts + 1], from 0 to rows.
  std::int32_t texts = 0;
  const float* word = nullptr;      // [vocabulary, width]
  const float* position = nullptr;  // [positions, width], the token type's row added.
  LayerNormF32 norm;                // norm.x receives the answer; norm.rows = rows.
};

// Mean over `rows`, then unit Euclidean length (a length under 1e-12 counts as 1e-12).
struct PoolF32 {
  const float* x = nullptr;  // [rows, width]
  std::int32_t rows = 0;     // >= 1
  std::int32_t width = 0;
  float* unit = nullptr;  // [width]
};

struct F32Kernels {
  void (*gemm)(const GemmF32&);
  void (*layer_norm)(const LayerNormF32&);
  void (*attention)(const AttentionF32&);
  void (*embed)(const EmbedF32&);
  void (*pool)(const PoolF32&);
  // Elementwise, for tests and for engines that fuse differently. `count` is a multiple of 16.
  void (*gelu)(const float* x, float* y, std::size_t count);
  void (*exp)(const float* x, float* y,
              std::size_t count);  // REQUIRES: x <= 0; below -87 is as -87.
};

// The bodies compiled for `isa`, or for the widest set that it contains (avxvnni: avx2; avx512vnni:
// avx512). REQUIRES: isa is one of PresentIsas().
const F32Kernels& GetF32Kernels(Isa isa);

// The start-up self-check: every kernel of `isa` on small made inputs, byte by byte against
// kReference. Takes a few milliseconds.
bool F32KernelsAgree(Isa isa);

// Scratch that AttentionF32 needs for texts of at most `tokens_max` tokens.
std::size_t AttentionScratchFloats(std::int32_t tokens_max, std::int32_t width, std::int32_t heads);

// weights [n, k] as published (one row an output) -> panels [n / 16, k, 16].
void PackPanels(std::span<const float> weights, std::int32_t n, std::int32_t k,
                std::span<float> panels);

}  // namespace ctt::kernels

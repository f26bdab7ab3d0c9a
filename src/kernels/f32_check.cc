// The start-up self-check of the fp32 kernels.
#include <cstring>
#include <vector>

#include "kernels/f32_kernels.h"

namespace ctt::kernels {
namespace {

// Made inputs: a linear congruential sequence in [-1, 1).
class Made {
 public:
  float Next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<std::int32_t>(state_)) * 0x1p-31f;
  }
  std::vector<float> Floats(std::size_t count) {
    std::vector<float> floats(count);
    for (float& x : floats) x = Next();
    return floats;
  }

 private:
  std::uint32_t state_ = 1;
};

constexpr std::int32_t kRows = 13;  // Of no tile's height, so that full and partial tiles run.
constexpr std::int32_t kWidth = 48;
constexpr std::int32_t kHeads = 3;

// What one ISA answers to every kernel, one after another.
std::vector<float> Answers(const F32Kernels& kernels) {
  Made made;
  const std::int32_t offsets[] = {0, 9, kRows};
  const std::int32_t ids[kRows] = {0, 3, 1, 2, 4, 4, 2, 1, 0, 3, 3, 1, 2};
  const auto word = made.Floats(5 * kWidth), position = made.Floats(9 * kWidth);
  const auto gamma = made.Floats(kWidth), beta = made.Floats(kWidth),
             bias = made.Floats(3 * kWidth);
  const auto panels = made.Floats(std::size_t{3} * kWidth * kWidth);
  std::vector<float> x(kRows * kWidth), qkv(3 * kRows * kWidth), context(kRows * kWidth);
  std::vector<float> scratch(AttentionScratchFloats(kRows, kWidth, kHeads));
  std::vector<float> answers;
  const auto keep = [&](const std::vector<float>& part) {
    answers.insert(answers.end(), part.begin(), part.end());
  };
  const LayerNormF32 norm = {.x = x.data(),
                             .rows = kRows,
                             .width = kWidth,
                             .gamma = gamma.data(),
                             .beta = beta.data(),
                             .epsilon = 1e-12f};
  kernels.embed({.ids = ids,
                 .offsets = offsets,
                 .texts = 2,
                 .word = word.data(),
                 .position = position.data(),
                 .norm = norm});
  keep(x);
  GemmF32 gemm = {.a = x.data(),
                  .a_stride = kWidth,
                  .b = panels.data(),
                  .b_stride = 16 * kWidth,
                  .c = qkv.data(),
                  .c_row_stride = 16,
                  .c_panel_stride = 16 * kRows,
                  .rows = kRows,
                  .k = kWidth,
                  .panels = 3 * kWidth / 16,
                  .epilogue = Epilogue::kBias,
                  .bias = bias.data()};
  kernels.gemm(gemm);
  keep(qkv);
  kernels.attention({.qkv = qkv.data(),
                     .rows = kRows,
                     .width = kWidth,
                     .heads = kHeads,
                     .offsets = offsets,
                     .texts = 2,
                     .context = context.data(),
                     .scratch = scratch.data()});
  keep(context);
  gemm.a = context.data();
  gemm.c = x.data();
  gemm.c_row_stride = kWidth;
  gemm.c_panel_stride = 16;
  gemm.panels = kWidth / 16;
  gemm.residual = x.data();
  gemm.residual_stride = kWidth;
  gemm.epilogue = Epilogue::kBiasResidual;
  kernels.gemm(gemm);
  kernels.layer_norm(norm);
  keep(x);
  gemm.c = context.data();
  gemm.a = x.data();
  gemm.epilogue = Epilogue::kBiasGelu;
  kernels.gemm(gemm);
  keep(context);
  for (std::int32_t text = 0; text < 2; ++text) {
    std::vector<float> unit(kWidth);
    kernels.pool({.x = context.data() + offsets[text] * kWidth,
                  .rows = offsets[text + 1] - offsets[text],
                  .width = kWidth,
                  .unit = unit.data()});
    keep(unit);
  }
  return answers;
}

}  // namespace

bool F32KernelsAgree(Isa isa) {
  if (isa == Isa::kReference) return true;
  const std::vector<float> wanted = Answers(GetF32Kernels(Isa::kReference));
  const std::vector<float> got = Answers(GetF32Kernels(isa));
  return std::memcmp(wanted.data(), got.data(), wanted.size() * sizeof(float)) == 0;
}

}  // namespace ctt::kernels

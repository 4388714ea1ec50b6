// Tables.cpp: the tables of a library by hand, and its code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

using namespace rnnc::rt;

namespace {

// out[b] = panels[0] * (sum of words of row b, up to its length)
void sumEntry(void **args, const int64_t *dims, void *, const void *) {
  auto *panels = static_cast<const float *>(args[0]);
  auto *lengths = static_cast<const int32_t *>(args[1]);
  auto *words = static_cast<const int32_t *>(args[2]);
  auto *out = static_cast<float *>(args[3]);
  for (int64_t b = 0; b < dims[0]; ++b) {
    out[b] = 0;
    for (int64_t t = 0; t < lengths[b]; ++t)
      out[b] += panels[0] * float(words[b * dims[1] + t]);
  }
}

// state' = (reset ? 0 : state) + 1
void stepEntry(void **args, const int64_t *dims, void *, const void *) {
  auto *reset = static_cast<const int32_t *>(args[0]);
  auto *in = static_cast<const float *>(args[1]);
  auto *out = static_cast<float *>(args[2]);
  for (int64_t b = 0; b < dims[0]; ++b)
    out[b] = (reset[b] ? 0 : in[b]) + 1;
}

// panels[0] = 10 * w[0], by way of its workspace
void prepareEntry(void **args, const int64_t *, void *workspace, const void *) {
  auto *scratch = static_cast<float *>(workspace);
  scratch[0] = 10 * static_cast<const float *>(args[0])[0];
  static_cast<float *>(args[1])[0] = scratch[0];
}

int64_t noBytes(const int64_t *) { return 0; }
int64_t rowBytes(const int64_t *dims) { return dims[0] * 100; }
int64_t oneLine(const int64_t *) { return 64; }

const int64_t batchTime[] = {kBatch, kTime};
const int64_t batch[] = {kBatch};
const int64_t shapeW[] = {2, 3};
const int64_t panels[] = {4};
const double perLabel[] = {0.5, -1};

const ParamDesc params[] = {
    {"a.w", shapeW, nullptr, 0, 6, -1, 1, 2, InitUniform, 0, 1, -1},
    {"a.b", shapeW, perLabel, 16, 6, 0, 0, 2, InitTable, 1, 0, 0},
};
const StateDesc states[] = {{"s", nullptr, 1, 0, 0}};

const EntryFn sumCode[] = {sumEntry};
const WorkspaceFn sumSize[] = {rowBytes};
const EntryArgDesc sumBinding[] = {
    {panels, SrcPrepared, 0, F32, 1},
    {batch, SrcLengths, 0, I32, 1},
    {batchTime, SrcUser, 1, I32, 2},
    {batch, SrcUser, 2, F32, 1},
};
const EntryDesc sum = {sumBinding, batchTime, sumCode, sumSize, 4, 2};
const ArgDesc sumArgs[] = {
    {"T", batch, 0, 0, RoleLengths, I32, 1, 1, 0, 0},
    {"words", batchTime, 5, 0, RoleInput, I32, 2, 0, -1, 0},
    {"out", batch, 0, 0, RoleOutput, F32, 1, 0, -1, 0},
};

const EntryFn stepCode[] = {stepEntry};
const WorkspaceFn stepSize[] = {noBytes};
const EntryArgDesc stepBinding[] = {
    {batch, SrcReset, 0, I32, 1},
    {batch, SrcStateIn, 0, F32, 1},
    {batch, SrcStateOut, 0, F32, 1},
};
const EntryDesc step = {stepBinding, batch, stepCode, stepSize, 3, 1};

const EntryFn prepareCode[] = {prepareEntry};
const WorkspaceFn prepareSize[] = {oneLine};
const EntryArgDesc prepareBinding[] = {
    {shapeW, SrcParam, 0, F32, 2},
    {panels, SrcPrepared, 0, F32, 1},
};
const EntryDesc prepare = {prepareBinding, nullptr, prepareCode, prepareSize, 2, 0};

const FunctionDesc functions[] = {
    {"sum", sumArgs, &sum, nullptr, nullptr, nullptr, KindPlain, 1, 3, 0, 0, -1, -1, 0, 0,
     UsesPanels | UsesValues | UsesSizes},
    {"step", nullptr, &step, nullptr, nullptr, nullptr, KindStep, 0, 0, 0, 0, -1, -1, 0, 0, UsesStates},
    {"pick", sumArgs, &sum, nullptr, nullptr, nullptr, KindPlain, 1, 3, 0, 0, -1, -1, 0, 1,
     UsesPanels | UsesValues | UsesSizes},
};

const ModuleDesc modules[] = {
    {"Toy", params, states, functions, &prepare, nullptr, 4, 16, 32, 0, 0, 0, 0, 2, 1, 3, 1, 0,
     ScheduleConstant, 0, 0},
    {"Other", nullptr, nullptr, nullptr, nullptr, nullptr, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
     ScheduleConstant, 0, 0},
};
const VariantDesc variants[] = {{"v1", 1}};

} // namespace

extern "C" {
extern const LibraryDesc rnnc_rt_library;
const LibraryDesc rnnc_rt_library = {"{}", modules, variants, 2, 1, F32, 0};
}

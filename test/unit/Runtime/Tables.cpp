// Tables.cpp: the tables of a library by hand, and its code.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <cstring>

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

// out[b] = panels[0] * word[b] + b[0] * x[b, 0] + whether x was given
void mixEntry(void **args, const int64_t *dims, void *workspace, const void *) {
  auto *word = static_cast<const int32_t *>(args[2]);
  auto *x = static_cast<const float *>(args[3]);
  auto *out = static_cast<float *>(args[6]);
  memset(workspace, 0x77, size_t(dims[0]) * 100);
  for (int64_t b = 0; b < dims[0]; ++b)
    out[b] = static_cast<const float *>(args[0])[0] * float(word[b]) +
             static_cast<const float *>(args[1])[0] * x[2 * b] +
             float(*static_cast<const int32_t *>(args[4])) +
             (args[5] ? 100 : 0);
}

// s' = (reset ? 0 : s) + 1, r' = r + word, out = s' + r'[19] + prev, prev' =
// word
void countEntry(void **args, const int64_t *dims, void *, const void *) {
  auto row = [&](int arg) { return static_cast<float *>(args[arg]); };
  auto number = [&](int arg) { return static_cast<int32_t *>(args[arg]); };
  for (int64_t b = 0; b < dims[0]; ++b) {
    float s = number(0)[b] ? 0 : row(1)[b];
    for (int k = 0; k < 20; ++k)
      row(6)[b * 20 + k] = row(2)[b * 20 + k] + float(number(4)[b]);
    row(5)[b] = s + 1;
    row(8)[b] = row(5)[b] + row(6)[b * 20 + 19] + float(number(3)[b]);
    number(7)[b] = number(4)[b];
  }
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
const EntryDesc sum = {sumBinding, batchTime, sumCode, sumSize, 4, 2, 0, 0};
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
const EntryDesc step = {stepBinding, batch, stepCode, stepSize, 3, 1, 0, 0};

const EntryFn prepareCode[] = {prepareEntry};
const WorkspaceFn prepareSize[] = {oneLine};
const EntryArgDesc prepareBinding[] = {
    {shapeW, SrcParam, 0, F32, 2},
    {panels, SrcPrepared, 0, F32, 1},
};
const EntryDesc prepare = {
    prepareBinding, nullptr, prepareCode, prepareSize, 2, 0, 0, 0};

const FunctionDesc functions[] = {
    {"sum", sumArgs, &sum, nullptr, nullptr, nullptr, nullptr, KindPlain, 1, 3,
     0, 0, -1, -1, 0, 0, UsesPanels | UsesValues | UsesSizes},
    {"step", nullptr, &step, nullptr, nullptr, nullptr, nullptr, KindStep, 0, 0,
     0, 0, -1, -1, 0, 0, UsesStates},
    {"pick", sumArgs, &sum, nullptr, nullptr, nullptr, nullptr, KindPlain, 1, 3,
     0, 0, -1, -1, 0, 1, UsesPanels | UsesValues | UsesSizes},
};

// ---- functions that go straight, and the same ones that cannot

const int64_t twenty[] = {20};
const int64_t batchTwenty[] = {kBatch, 20};
const int64_t batchTwo[] = {kBatch, 2};
const StateDesc twoStates[] = {{"s", nullptr, 1, 0, 0},
                               {"r", twenty, 20, 1, 0}};

const EntryFn mixCode[] = {mixEntry};
const WorkspaceFn mixSize[] = {rowBytes};
const EntryArgDesc mixBinding[] = {
    {panels, SrcPrepared, 0, F32, 1}, {shapeW, SrcParam, 1, F32, 2},
    {batch, SrcUser, 0, I32, 1},      {batchTwo, SrcUser, 1, F32, 2},
    {nullptr, SrcGiven, 1, I32, 0},   {batch, SrcNothing, 0, F32, 1},
    {batch, SrcUser, 2, F32, 1},
};
const EntryDesc mix = {mixBinding, batch, mixCode, mixSize, 7, 1, 0, 0};
const ArgDesc mixArgs[] = {
    {"word", batch, 5, 0, RoleInput, I32, 1, 0, -1, 0},
    {"x", batchTwo, 0, 0, RoleStateIn, F32, 2, 1, -1, 0},
    {"out", batch, 0, 0, RoleOutput, F32, 1, 0, -1, 0},
};
const IndexDesc oneWord[] = {{1, 0, 5}};
const PlaceDesc mixPlaces[] = {
    {kPanelsOffset, BasePrepared},
    {kArenaOffset + 64, BaseParams},
    {0, BaseUser},
    {0, BaseUser + 1},
    {0, BaseGiven},
    {0, BaseNothing},
    {0, BaseUser + 2},
};
const PlaceDesc mixAlone[] = {
    {kPanelsOffset, BasePrepared},
    {keptOffset(16), BasePrepared},
    {0, BaseUser},
    {0, BaseUser + 1},
    {0, BaseGiven},
    {0, BaseNothing},
    {0, BaseUser + 2},
};
const StraightDesc mixStraight = {mixPlaces, mixAlone, oneWord,   0, 64, 0,
                                  0,         1,        INT32_MAX, 1, 3};

const EntryFn countCode[] = {countEntry};
const EntryArgDesc countBinding[] = {
    {batch, SrcReset, 0, I32, 1},          {batch, SrcStateIn, 0, F32, 1},
    {batchTwenty, SrcStateIn, 1, F32, 2},  {batch, SrcPrev, 0, I32, 1},
    {batch, SrcUser, 0, I32, 1},           {batch, SrcStateOut, 0, F32, 1},
    {batchTwenty, SrcStateOut, 1, F32, 2}, {batch, SrcPrevOut, 0, I32, 1},
    {batch, SrcUser, 1, F32, 1},
};
const EntryDesc count = {countBinding, batch, countCode, stepSize, 9, 1, 0, 0};
const ArgDesc countArgs[] = {
    {"word", batch, 5, 0, RoleInput, I32, 1, 0, -1, 0},
    {"out", batch, 0, 0, RoleOutput, F32, 1, 0, -1, 0},
};
const PlaceDesc countPlaces[] = {
    {kFreshOffset, BaseStream},
    {statesOffset(1), BaseStream},
    {statesOffset(1) + 64, BaseStream},
    {prevOffset(1), BaseStream},
    {0, BaseUser},
    {0, BaseWorkspace},
    {64, BaseWorkspace},
    {192, BaseWorkspace},
    {0, BaseUser + 1},
};
const StraightDesc countStraight = {
    countPlaces, countPlaces, oneWord, 256, 384, 192, 192, 1, 1, 0, 3};

const FunctionDesc paths[] = {
    {"mix", mixArgs, &mix, nullptr, nullptr, &mixStraight, nullptr, KindPlain,
     0, 3, 0, 0, -1, -1, 0, 0, UsesPanels | UsesValues},
    {"mix", mixArgs, &mix, nullptr, nullptr, nullptr, nullptr, KindPlain, 0, 3,
     0, 0, -1, -1, 0, 0, UsesPanels | UsesValues},
    {"count", countArgs, &count, nullptr, nullptr, &countStraight, nullptr,
     KindStep, 0, 2, 0, 0, -1, -1, 0, 0, UsesStates | UsesValues},
    {"count", countArgs, &count, nullptr, nullptr, nullptr, nullptr, KindStep,
     0, 2, 0, 0, -1, -1, 0, 0, UsesStates | UsesValues},
};

const ModuleDesc modules[] = {
    {"Toy",
     params,
     states,
     functions,
     &prepare,
     nullptr,
     4,
     16,
     32,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     2,
     1,
     3,
     1,
     0,
     ScheduleConstant,
     0,
     0,
     1,
     0},
    {"Other",
     nullptr,
     nullptr,
     nullptr,
     nullptr,
     nullptr,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     ScheduleConstant,
     0,
     0,
     1,
     0},
    {"Paths",
     params,
     twoStates,
     paths,
     &prepare,
     nullptr,
     4,
     16,
     32,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     0,
     2,
     2,
     4,
     1,
     1,
     ScheduleConstant,
     0,
     5,
     1,
     0},
};
const VariantDesc variants[] = {{"v1", 1}};

} // namespace

extern "C" {
extern const LibraryDesc rnnc_rt_library;
const LibraryDesc rnnc_rt_library = {"{}", modules, variants, 3,
                                     1,    F32,     0,        nullptr};
}

// Marks.cpp: rows of tables that a batch reads.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kernel-sparse-update has the code that marks them. The marks of a table are a
// number for each row, a zero, and a choice: whether rows without a mark are
// left alone. Then their gradient is not written, and has to become zero before
// somebody looks at it.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

/// What stands behind the marks of the rows.
constexpr int64_t kMore = 2;

template <typename Visit>
static void forEachTable(const Call &call, Visit visit) {
  const EntryDesc &entry = *call.f->entry;
  char *place = call.marks;
  for (int32_t i = 0; i < entry.numArgs; ++i) {
    const EntryArgDesc &arg = entry.args[i];
    if (arg.source != SrcMarks)
      continue;
    visit(arg.index, arg.shape[0] - kMore, reinterpret_cast<int32_t *>(place));
    if (place)
      place += alignUp(size_t(arg.shape[0]) * sizeof(int32_t));
  }
}

void placeMarks(Call &call, Bump &bump) {
  size_t bytes = 0;
  forEachTable(call, [&](int32_t, int64_t rows, int32_t *) {
    bytes += alignUp(size_t(rows + kMore) * sizeof(int32_t));
  });
  call.marks = bytes ? static_cast<char *>(bump.take(bytes)) : nullptr;
}

int32_t *marksOf(const Call &call, int32_t parameter) {
  int32_t *found = nullptr;
  forEachTable(call, [&](int32_t p, int64_t, int32_t *marks) {
    found = p == parameter ? marks : found;
  });
  return found;
}

void leaveUnmarked(Call &call, bool leave) {
  forEachTable(call, [&](int32_t, int64_t rows, int32_t *marks) {
    marks[rows] = 0;
    marks[rows + 1] = leave;
  });
}

void zeroUnmarked(Call &call) {
  forEachTable(call, [&](int32_t p, int64_t rows, int32_t *marks) {
    const ParamDesc &param = call.m->params[p];
    char *gradient = call.gradArena + size_t(param.offset) * realSize();
    size_t row = size_t(param.count / rows) * realSize();
    for (int64_t r = 0; marks[rows + 1] && r < rows; ++r)
      if (!marks[r])
        memset(gradient + size_t(r) * row, 0, row);
    marks[rows + 1] = 0;
  });
}

bool nextWritten(const Call &call, int32_t parameter, MarkedRun &run) {
  int64_t count = call.m->params[parameter].count;
  bool found = false, isTable = false;
  forEachTable(call, [&](int32_t p, int64_t rows, int32_t *marks) {
    if (p != parameter || !marks[rows + 1])
      return;
    isTable = true;
    int64_t width = count / rows, row = run.to / width;
    while (row < rows && !marks[row])
      ++row;
    run.from = row * width;
    while (row < rows && marks[row])
      ++row;
    run.to = row * width;
    found = run.from < run.to;
  });
  if (isTable)
    return found;
  found = run.to < count;
  run = {run.to, count};
  return found;
}

} // namespace rnnc::rt

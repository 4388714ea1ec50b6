// Check.cpp: what can be wrong about a call.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All of it is found before anything is written: sizes, objects, arguments,
// lengths, indices, flags and options.
#include "Runtime.h"

#include <string.h>

namespace rnnc::rt {

Call::Call(const rnnc_context *ctx, int32_t module, const rnnc_call *c)
    : run{ctx, kKernelFloats}, variant(variantOf(ctx)), module(module),
      m(moduleAt(module)), c(c), hasPrepared(c && c->prepared) {
  if (!c || c->size < kDeviceCallBytes)
    return;
  run.queue = c->device_stream;
  argsThere = c->memory == RNNC_MEMORY_DEVICE;
}

bool begin(Call &call, int32_t function, int64_t batch, const int32_t *times) {
  if (!call.m || function < 0 || function >= call.m->numFunctions)
    return false;
  call.f = &call.m->functions[function];
  call.batch = batch;
  call.times = times;
  for (int32_t t = 0; t < call.f->numTimes; ++t) {
    call.lengths[t] = nullptr;
    call.lengthArgs[t] = nullptr;
  }
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (arg.role == RoleLengths && arg.time >= 0)
      call.lengthArgs[arg.time] = &arg;
  }
  return true;
}

size_t bytesOf(const Call &call, const int64_t *shape, int32_t rank,
               int32_t dtype) {
  size_t bytes = sizeOf(dtype);
  for (int32_t i = 0; i < rank; ++i)
    bytes = multiplySizes(bytes, size_t(extent(call, shape[i])));
  return bytes;
}

static int32_t checkSizes(const Call &call) {
  const rnnc_call *c = call.c;
  const FunctionDesc &f = *call.f;
  if (c->num_times != f.numTimes || c->num_args != f.numArgs ||
      (f.numTimes && !c->times) || (f.numArgs && !c->args))
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, f.name, -1, -1, -1,
                "`%s` takes %d arguments and %d time axes", f.name, f.numArgs,
                f.numTimes);
  if (c->batch < 0)
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, "batch", -1, -1, c->batch,
                "the batch of `%s` is negative: %d", f.name, c->batch);
  for (int32_t t = 0; t < f.numTimes; ++t)
    if (c->times[t] < 0)
      return fail(c->error, RNNC_ERR_ARGUMENT, -1, f.name, -1, -1, c->times[t],
                  "the padded length of time axis %d of `%s` is negative: %d",
                  t, f.name, c->times[t]);
  return RNNC_OK;
}

/// The previous elements of a carry or stream are fed as indices.
static int32_t checkPrevious(const Call &call, const char *name) {
  int64_t size = call.m->prevSize;
  for (int32_t b = 0; size > 0 && b < call.state.batch; ++b)
    if (call.state.prev[b] < 0 || call.state.prev[b] >= size)
      return fail(call.c->error, RNNC_ERR_STATE, -1, name, b, -1,
                  call.state.prev[b],
                  "the %s is damaged: the element before is %d in row %d, not "
                  "in 0 ... %lld",
                  name, call.state.prev[b], b, (long long)(size - 1));
  return RNNC_OK;
}

/// The carry or the stream. A `step` goes on from its stream; what may begin
/// anew in every call can do without. A batch of no rows moves none of them.
static int32_t openStates(Call &call) {
  const rnnc_call *c = call.c;
  bool stream = call.f->kind == KindStep || call.f->kind == KindSample;
  const void *object = stream ? static_cast<const void *>(c->stream) : c->carry;
  const char *name = stream ? "stream" : "carry";
  if (!object && call.f->kind != KindStep)
    return RNNC_OK;
  if (int32_t status =
          checkObject(c->error, name, object,
                      stream ? kStreamMagic : kCarryMagic, call.module))
    return status;
  if (int32_t status = checkNewest(call.run.ctx, object, c->error))
    return status;
  if (call.batch == 0)
    return RNNC_OK;
  if (stream)
    streamView(call.module, c->stream, call.state);
  else
    carryView(call.module, c->carry, call.state);
  if (call.state.batch != call.batch)
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, name, -1, -1, call.state.batch,
                "the %s holds %d rows, the batch has %lld", name,
                call.state.batch, (long long)call.batch);
  return checkPrevious(call, name);
}

static int32_t checkObjects(Call &call) {
  const rnnc_call *c = call.c;
  if (bool alone = !c->params && c->prepared; !alone) {
    if (int32_t status = checkObject(c->error, "params", c->params,
                                     kParamsMagic, call.module))
      return status;
    if (int32_t status = checkNewest(call.run.ctx, c->params, c->error))
      return status;
  } else if (call.f->uses & UsesParams) {
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, "params", -1, -1, -1,
                "`params` is NULL: `%s` reads parameters that prepared weights "
                "do not have",
                call.f->name);
  }
  if (int32_t status = checkPrepared(call))
    return status;
  if (call.f->kind == KindTrainStep)
    if (int32_t status = checkWritable(c->params, c->error))
      return status;
  if (call.f->kind == KindTrainStep)
    if (int32_t status = checkObject(c->error, "optimizer", c->optimizer,
                                     kOptimizerMagic, call.module))
      return status;
  if (call.f->kind == KindTrainStep)
    if (int32_t status = checkNewest(call.run.ctx, c->optimizer, c->error))
      return status;
  if (call.f->kind == KindTrainStep)
    if (int32_t status = checkGathering(call))
      return status;
  return openStates(call);
}

/// What is wrong about an array; null: nothing.
static const char *faultOf(const Call &call, const ArgDesc &arg,
                           const void *data) {
  bool mayMiss = arg.optional || arg.role >= RoleLoss;
  if (!data && !mayMiss && bytesOf(call, arg.shape, arg.rank, arg.dtype) > 0)
    return "the argument `%s` is NULL";
  if (reinterpret_cast<uintptr_t>(data) & (sizeOf(arg.dtype) - 1))
    return "the argument `%s` is not aligned to its entries";
  if (call.f->uses & UsesSizes &&
      bytesOf(call, arg.shape, arg.rank, arg.dtype) > PTRDIFF_MAX)
    return "the size of the argument `%s` cannot be held";
  return nullptr;
}

/// The first argument that is read and lies where `out` is written, or -1.
static int32_t overlapped(const Call &call, int32_t out) {
  auto begin = [&](int32_t i) {
    return reinterpret_cast<uintptr_t>(call.c->args[i]);
  };
  auto bytes = [&](int32_t i) {
    const ArgDesc &arg = call.f->args[i];
    return bytesOf(call, arg.shape, arg.rank, arg.dtype);
  };
  for (int32_t i = 0; i < call.f->numArgs; ++i)
    if (call.f->args[i].role < RoleLoss && begin(i) && bytes(i) && bytes(out) &&
        begin(i) < begin(out) + bytes(out) && begin(out) < begin(i) + bytes(i))
      return i;
  return -1;
}

/// Outputs are written while inputs are read.
static int32_t checkOverlaps(const Call &call) {
  for (int32_t i = 0; call.f->numTimes && i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (arg.role != RoleOutput || !call.c->args[i])
      continue;
    if (int32_t read = overlapped(call, i); read >= 0)
      return fail(call.c->error, RNNC_ERR_ARGUMENT, i, arg.name, -1, -1, -1,
                  "the argument `%s` overlaps `%s`, which is read while it is "
                  "written",
                  arg.name, call.f->args[read].name);
  }
  return RNNC_OK;
}

/// Inputs are there, all arrays can be held and are aligned as their entries.
static int32_t checkArrays(const Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    if (const char *why = faultOf(call, arg, call.c->args[i]))
      return fail(call.c->error, RNNC_ERR_ARGUMENT, i, arg.name, -1, -1, -1,
                  why, arg.name);
  }
  return checkOverlaps(call);
}

/// Lengths along a time axis that depend on the elements of others.
static bool isInner(const Call &call, int64_t time) {
  const ArgDesc *arg = call.lengthArgs[time];
  return arg && arg->rank > 1;
}

/// Finds the place of entry `entry` of the axes 1 ... rank - 1 of a shape;
/// false if it lies past an end.
static bool findPlace(const Call &call, const int64_t *shape, int32_t rank,
                      int64_t entry, ElementPlace &place) {
  for (int32_t k = rank - 1; k > 0; --k) {
    int64_t size = extent(call, shape[k]), at = entry % size;
    entry /= size;
    if (shape[k] > kTime)
      continue;
    int64_t time = kTime - shape[k];
    place.at[time] = at;
    if (!isInner(call, time) && at >= lengthOf(call, time, place))
      return false;
  }
  for (int32_t k = 1; k < rank; ++k) {
    int64_t time = kTime - shape[k];
    if (shape[k] <= kTime && isInner(call, time) &&
        place.at[time] >= lengthOf(call, time, place))
      return false;
  }
  return true;
}

namespace {
/// Calls `use` with the place of each length of a time axis that counts: one
/// for each example, or each element that an example has of the axes around.
template <typename Use>
int32_t forEachLength(const Call &call, int32_t time, Use use) {
  const ArgDesc *arg = call.lengthArgs[time];
  int64_t each = int64_t(lengthsEach(call, time));
  ElementPlace place;
  for (place.row = 0; place.row < call.batch; ++place.row)
    for (int64_t i = 0; i < each; ++i)
      if (!arg || findPlace(call, arg->shape, arg->rank, i, place))
        if (int32_t status = use(place))
          return status;
  return RNNC_OK;
}

/// The element of the first axis around a time axis; -1: there is none.
int64_t stepAround(const Call &call, int32_t time, const ElementPlace &place) {
  const ArgDesc *arg = call.lengthArgs[time];
  return arg && arg->rank > 1 ? place.at[kTime - arg->shape[1]] : -1;
}
} // namespace

/// Axes around others stand before them: their lengths are known to be good.
static int32_t checkLengths(Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    auto *given = static_cast<const int32_t *>(call.c->args[i]);
    if (arg.role != RoleLengths || arg.time < 0 || !given)
      continue;
    call.lengths[arg.time] = given;
    auto isGood = [&](const ElementPlace &place) {
      int64_t length = lengthOf(call, arg.time, place);
      int64_t step = stepAround(call, arg.time, place);
      if (length >= 0 && length <= call.times[arg.time])
        return int32_t(RNNC_OK);
      if (step < 0)
        return fail(call.c->error, RNNC_ERR_LENGTH, i, arg.name, place.row, -1,
                    length,
                    "length %lld of example %lld is not in 0 ... %d (axis %s)",
                    (long long)length, (long long)place.row,
                    call.times[arg.time], arg.name);
      return fail(call.c->error, RNNC_ERR_LENGTH, i, arg.name, place.row, step,
                  length,
                  "length %lld of example %lld, step %lld is not in 0 ... %d "
                  "(axis %s)",
                  (long long)length, (long long)place.row, (long long)step,
                  call.times[arg.time], arg.name);
    };
    if (int32_t status = forEachLength(call, arg.time, isGood))
      return status;
  }
  return RNNC_OK;
}

/// Where an argmax runs over time, every row has a step.
static int32_t checkNotEmpty(const Call &call) {
  for (int32_t t = 0; t < call.f->numTimes; ++t) {
    if (!(call.f->nonempty >> t & 1))
      continue;
    auto isGood = [&](const ElementPlace &place) {
      if (lengthOf(call, t, place) > 0)
        return int32_t(RNNC_OK);
      int64_t step = stepAround(call, t, place);
      if (step < 0)
        return fail(call.c->error, RNNC_ERR_EMPTY, -1, call.f->name, place.row,
                    -1, 0,
                    "example %lld has no step: `%s` takes an argmax over them",
                    (long long)place.row, call.f->name);
      return fail(call.c->error, RNNC_ERR_EMPTY, -1, call.f->name, place.row,
                  step, 0,
                  "step %lld of example %lld holds nothing: `%s` takes an "
                  "argmax over what it holds",
                  (long long)step, (long long)place.row, call.f->name);
    };
    if (int32_t status = forEachLength(call, t, isGood))
      return status;
  }
  return RNNC_OK;
}

namespace {
/// Looks for an entry of one row that is no index. What lies past the end of
/// the row on any of its time axes is not looked at.
struct IndexScan {
  const Call &call;
  const ArgDesc &arg;
  ElementPlace place;
  int64_t step = -1; ///< on the first time axis
  int32_t value = 0;

  /// An index into a time axis lies inside of the example.
  int64_t size() const {
    return arg.indexSize > 0
               ? arg.indexSize
               : lengthOf(call, int32_t(-1 - arg.indexSize), place);
  }

  /// Searches the row whose entries begin at `data`, one run of the last axis
  /// after the other.
  bool finds(const int32_t *data) {
    int32_t last = arg.rank - 1;
    int64_t runs = 1, stride = last > 0 ? extent(call, arg.shape[last]) : 1;
    bool timed = last > 0 && arg.shape[last] <= kTime;
    for (int32_t axis = 1; axis < last; ++axis)
      runs *= extent(call, arg.shape[axis]);
    for (int64_t run = 0; run < runs; ++run, data += stride) {
      if (!findPlace(call, arg.shape, last, run, place))
        continue;
      int64_t length =
          timed ? lengthOf(call, kTime - arg.shape[last], place) : stride;
      int64_t most = size();
      for (int64_t k = 0; k < length; ++k)
        if (data[k] < 0 || data[k] >= most) {
          step = timed ? k : -1;
          for (int32_t axis = last - 1; axis > 0; --axis)
            if (arg.shape[axis] <= kTime)
              step = place.at[kTime - arg.shape[axis]];
          value = data[k];
          return true;
        }
    }
    return false;
  }
};
} // namespace

static int32_t checkIndices(const Call &call, int32_t i) {
  const ArgDesc &arg = call.f->args[i];
  auto *data = static_cast<const int32_t *>(call.c->args[i]);
  int64_t inner = 1;
  for (int32_t k = 1; k < arg.rank; ++k)
    inner *= extent(call, arg.shape[k]);
  for (int64_t b = 0; b < call.batch; ++b) {
    IndexScan scan{call, arg, {b}};
    if (!scan.finds(data + b * inner))
      continue;
    return fail(
        call.c->error, RNNC_ERR_INDEX, i, arg.name, b, scan.step, scan.value,
        "`%s` is %d in example %lld, step %lld: not in 0 ... %lld", arg.name,
        scan.value, (long long)b, (long long)(scan.step < 0 ? 0 : scan.step),
        (long long)(scan.size() - 1));
  }
  return RNNC_OK;
}

/// Indices, and flags: which rows begin anew, bits.
static int32_t checkValues(const Call &call) {
  for (int32_t i = 0; i < call.f->numArgs; ++i) {
    const ArgDesc &arg = call.f->args[i];
    const void *data = call.c->args[i];
    if (!data || arg.role >= RoleLoss)
      continue;
    int32_t status = RNNC_OK;
    if (arg.indexSize != 0 && arg.rank > 0)
      status = checkIndices(call, i);
    else if (arg.role == RoleReset)
      status = checkFlags(call.c->error, i, arg.name,
                          static_cast<const int32_t *>(data), call.batch);
    if (status)
      return status;
  }
  return RNNC_OK;
}

/// Arrays of a device are those of calls that run there from end to end.
static int32_t checkPlaces(const Call &call) {
  const rnnc_call *c = call.c;
  bool known = c->size >= kDeviceCallBytes;
  if (known && c->memory != RNNC_MEMORY_HOST && !call.argsThere)
    return fail(c->error, RNNC_ERR_ARGUMENT, -1, "memory", -1, -1, c->memory,
                "`memory` is %d: none of rnnc_memory", c->memory);
  bool draws = call.f->kind == KindSample || call.f->kind == KindDraw ||
               call.f->kind == KindDrawEach;
  if (call.argsThere && draws)
    return fail(c->error, RNNC_ERR_UNSUPPORTED, -1, "memory", -1, -1, c->memory,
                "`%s` draws on the host: its arrays are the host's",
                call.f->name);
  return RNNC_OK;
}

int32_t checkCall(Call &call) {
  if (int32_t status = checkPlaces(call))
    return status;
  if (int32_t status = checkSizes(call))
    return status;
  if (int32_t status = checkObjects(call))
    return status;
  if (int32_t status = checkArrays(call))
    return status;
  if (call.f->numTimes) {
    if (int32_t status = checkLengths(call))
      return status;
    if (int32_t status = checkNotEmpty(call))
      return status;
  }
  if (call.f->uses & UsesValues)
    if (int32_t status = checkValues(call))
      return status;
  if (call.f->kind == KindDraw)
    return checkDraw(call);
  if (call.f->kind == KindDrawEach)
    return checkDrawEach(call);
  return call.f->kind == KindSample ? checkSample(call) : RNNC_OK;
}

/// Calls `use` with each place of a row before the ends of all its time axes,
/// until it says false. What is fixed has no part in it.
template <typename Use>
static void forEachObserved(const Call &call, const ArgDesc &arg, int64_t row,
                            Use use) {
  int64_t shape[kMaxTimes + 1], entries = 1;
  int32_t rank = 1;
  for (int32_t k = 1; k < arg.rank && rank <= kMaxTimes; ++k)
    if (arg.shape[k] <= kTime) {
      shape[rank++] = arg.shape[k];
      entries *= extent(call, arg.shape[k]);
    }
  ElementPlace place{row};
  for (int64_t i = 0; i < entries; ++i)
    if (findPlace(call, shape, rank, i, place) && !use())
      return;
}

static bool isObserved(const Call &call, const ArgDesc &arg, int64_t row) {
  bool any = false;
  forEachObserved(call, arg, row, [&] {
    any = true;
    return false;
  });
  return any;
}

int64_t countObserved(const Call &call, const ArgDesc &arg) {
  int64_t count = 0;
  for (int64_t b = 0; b < call.batch; ++b)
    forEachObserved(call, arg, b, [&] { return ++count > 0; });
  return count;
}

bool nothingHappens(const Call &call) {
  for (int32_t i = 0; i < call.f->numObserved; ++i)
    for (int64_t b = 0; b < call.batch; ++b)
      if (isObserved(call, call.f->args[call.f->observed[i]], b))
        return false;
  return call.batch == 0 || call.f->numObserved > 0;
}

} // namespace rnnc::rt

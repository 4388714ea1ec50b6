// Errors.cpp: status codes in words.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace rnnc::rt {

int32_t fail(rnnc_error *error, int32_t status, int32_t argument,
             const char *name, int64_t example, int64_t step, int64_t value,
             const char *format, ...) {
  if (!error)
    return status;
  size_t filled = filledBytes(error->size, kErrorBytes, sizeof(*error));
  memset(error, 0, filled);
  error->size = filled;
  if (filled > kErrorBytes)
    error->device = -1;
  error->status = status;
  error->argument = argument;
  error->example = example;
  error->step = step;
  error->value = value;
  if (name)
    strncpy(error->name, name, sizeof(error->name) - 1);
  va_list list;
  va_start(list, format);
  vsnprintf(error->message, sizeof(error->message), format, list);
  va_end(list);
  return status;
}

int32_t succeed(rnnc_error *error) {
  if (!error)
    return RNNC_OK;
  error->size = filledBytes(error->size, kErrorBytes, sizeof(*error));
  if (error->size > kErrorBytes) {
    error->device = -1;
    error->device_code = 0;
  }
  error->status = RNNC_OK;
  error->argument = -1;
  error->example = error->step = error->value = -1;
  error->name[0] = error->message[0] = 0;
  return RNNC_OK;
}

size_t unknownByte(const void *structure, size_t size, size_t known) {
  auto *bytes = static_cast<const char *>(structure);
  for (size_t i = known; i < size; ++i)
    if (bytes[i])
      return i;
  return SIZE_MAX;
}

int32_t checkMemory(rnnc_error *error, const char *name, const void *memory,
                    size_t bytes, size_t need) {
  if (!memory || !isAligned(memory))
    return fail(error, RNNC_ERR_ARGUMENT, -1, name, -1, -1, -1,
                memory ? "`%s` is not aligned to 64 bytes" : "`%s` is NULL",
                name);
  if (heldSize(need) == 0)
    return fail(error, RNNC_ERR_ARGUMENT, -1, name, -1, -1, -1,
                "the size of `%s` cannot be held", name);
  if (bytes < need)
    return fail(error, RNNC_ERR_WORKSPACE, -1, name, -1, -1, int64_t(need),
                "`%s` needs %lld bytes", name, (long long)need);
  return RNNC_OK;
}

int32_t checkObject(rnnc_error *error, const char *name, const void *object,
                    uint64_t magic, int32_t module) {
  if (headerOf(object, magic, module))
    return RNNC_OK;
  auto *header = static_cast<const Header *>(object);
  bool argument = !object || !isAligned(object);
  const char *why = !object                  ? "`%s` is NULL"
                    : argument               ? "`%s` is not aligned to 64 bytes"
                    : header->magic != magic ? "`%s` was not initialised"
                                             : "`%s` belongs to another module";
  return fail(error, argument ? RNNC_ERR_ARGUMENT : RNNC_ERR_STATE, -1, name,
              -1, -1, -1, why, name);
}

int32_t checkContext(rnnc_error *error, const rnnc_context *ctx) {
  if (variantOf(ctx) >= 0)
    return RNNC_OK;
  if (!ctx || !isAligned(ctx))
    return fail(error, RNNC_ERR_ARGUMENT, -1, "context", -1, -1, -1, "%s",
                ctx ? "`context` is not aligned to 64 bytes"
                    : "`context` is NULL");
  return fail(error, RNNC_ERR_STATE, -1, "context", -1, -1, -1,
              "`context` was not initialised, or it is finished");
}

int32_t checkModule(rnnc_error *error, int32_t module) {
  return moduleAt(module)
             ? RNNC_OK
             : fail(error, RNNC_ERR_ARGUMENT, -1, "module", -1, -1, module,
                    "the library has no module %d", module);
}

uint64_t checksum(const void *bytes, size_t size, uint64_t seed) {
  auto *from = static_cast<const unsigned char *>(bytes);
  uint64_t sum = size ^ seed;
  for (size_t i = 0; i < size; ++i)
    sum = (sum ^ from[i]) * 0x100000001B3ull;
  return sum;
}

} // namespace rnnc::rt

const char *rnnc_rt_strerror(int32_t status) {
  switch (status) {
  case RNNC_OK:
    return "no error";
  case RNNC_ERR_ARGUMENT:
    return "a pointer is NULL or misaligned, or a size or option means nothing";
  case RNNC_ERR_WORKSPACE:
    return "the workspace or an object's memory is too small";
  case RNNC_ERR_INDEX:
    return "an index is outside its axis, or a flag is not 0 or 1";
  case RNNC_ERR_LENGTH:
    return "a length is negative or above the padded length";
  case RNNC_ERR_WEIGHTS:
    return "the file of weights does not fit the model";
  case RNNC_ERR_NOT_FINITE:
    return "a gradient or an update is not finite, nothing was changed";
  case RNNC_ERR_EMPTY:
    return "argmax over nothing";
  case RNNC_ERR_UNSUPPORTED:
    return "this is not in the library";
  case RNNC_ERR_STATE:
    return "the memory given is not an initialised object of this module";
  case RNNC_ERR_FILE:
    return "a file cannot be read or written";
  case RNNC_ERR_DEVICE:
    return "a device failed";
  default:
    return "unknown status";
  }
}

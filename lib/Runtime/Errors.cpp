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
  memset(error, 0, sizeof(*error));
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

} // namespace rnnc::rt

const char *rnnc_rt_strerror(int32_t status) {
  switch (status) {
  case RNNC_OK:
    return "no error";
  case RNNC_ERR_ARGUMENT:
    return "a required pointer is NULL, or a size is negative or does not fit";
  case RNNC_ERR_WORKSPACE:
    return "the workspace or an object's memory is too small";
  case RNNC_ERR_INDEX:
    return "an index is outside its axis";
  case RNNC_ERR_LENGTH:
    return "a length is negative or above the padded length";
  case RNNC_ERR_WEIGHTS:
    return "the file of weights does not fit the model";
  case RNNC_ERR_NOT_FINITE:
    return "a gradient is not finite, the update was skipped";
  case RNNC_ERR_EMPTY:
    return "argmax over nothing";
  case RNNC_ERR_UNSUPPORTED:
    return "this is not in the library";
  case RNNC_ERR_STATE:
    return "the memory given is not an initialised object of this module";
  default:
    return "unknown status";
  }
}

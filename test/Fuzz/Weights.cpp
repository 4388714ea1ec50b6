// Weights.cpp: any bytes as a file of arrays: the readers of the tools, and the
// one in generated libraries. What they accept they write and read again.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fuzz.h"
#include "Tables.h"

#include "rnnc/Data/Tensor.h"

using namespace rnnc;
using namespace rnnc::data;

static std::string_view view(const Buffer &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static bool same(const TensorFile &a, const TensorFile &b) {
  if (a.tensors.size() != b.tensors.size())
    return false;
  for (const auto &[name, tensor] : a.tensors) {
    const Tensor *other = nullptr;
    for (const auto &[otherName, candidate] : b.tensors)
      if (otherName == name)
        other = &candidate;
    if (!other || other->shape != tensor.shape ||
        view(other->bytes) != view(tensor.bytes))
      return false;
  }
  return true;
}

/// What was read is the same when it has been written and read again.
static void
check(const Result<TensorFile> &file, std::string (*print)(const TensorFile &),
      Result<TensorFile> (*parse)(std::string_view, const std::string &)) {
  if (!file) {
    fuzz::require(file.error().exitCode == ExitBadData, "a wrong exit code");
    return;
  }
  Result<TensorFile> again = parse(print(*file), "again");
  fuzz::require(again && same(*file, *again), "written and read is different");
  for (const auto &[name, tensor] : file->tensors)
    for (DType type : {DType::F32, DType::I32}) {
      Rounding rounding;
      (void)convertExact(tensor, type, name);
      (void)convertRounded(tensor, type, name, rounding);
    }
}

static void tools(std::string_view bytes) {
  check(parseSafetensors(bytes, "fuzz"), printSafetensors, parseSafetensors);
  check(parseNpz(bytes, "fuzz"), printNpz, parseNpz);
  Result<Tensor> array = parseNpy(bytes, "fuzz");
  if (!array) {
    fuzz::require(array.error().exitCode == ExitBadData, "a wrong exit code");
    return;
  }
  Result<Tensor> again = parseNpy(printNpy(*array), "again");
  fuzz::require(again && view(again->bytes) == view(array->bytes),
                "written and read is different");
}

/// A refused file changes no parameter.
static void library(std::string_view bytes) {
  using namespace rnnc::rt::test;
  static Memory params(rnnc_rt_params_size(kToy));
  static bool ready = false;
  auto *object = params.as<rnnc_params>();
  rnnc_error error = {};
  if (!ready)
    ready =
        rnnc_rt_params_init(kToy, object, params.size, 1, &error) == RNNC_OK;
  std::string before(reinterpret_cast<const char *>(params.data), params.size);
  int32_t status =
      rnnc_rt_params_load(kToy, object, bytes.data(), bytes.size(), &error);
  if (status == RNNC_OK)
    return;
  fuzz::require(status == RNNC_ERR_WEIGHTS, "a wrong status");
  fuzz::require(error.message[0] != 0, "refused without a message");
  fuzz::require(
      before == std::string_view(reinterpret_cast<const char *>(params.data),
                                 params.size),
      "a refused file has changed parameters");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char *>(data), size);
  tools(bytes);
  library(bytes);
  return 0;
}

// Vectors.cpp: any bytes as a text file of word vectors.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fuzz.h"

#include "rnnc/Support/Text.h"
#include "rnnc/Training/WordVectors.h"

#include <cmath>
#include <fstream>

using namespace rnnc;
using namespace rnnc::training;

/// What was read is finite; what was refused says where.
static void check(const Result<Transfer> &rows, const std::string &path) {
  if (!rows) {
    fuzz::require(rows.error().exitCode == ExitBadData, "a wrong exit code");
    fuzz::require(rows.error().message.find(path) != std::string::npos,
                  "the message does not name the file");
    fuzz::requirePrintable(shown(rows.error().message, /*lines=*/true));
    return;
  }
  const data::Tensor &tensor = rows->weights.tensors.front().second;
  for (int64_t i = 0; i < tensor.count(); ++i)
    fuzz::require(std::isfinite(tensor.number(i)), "a weight is not finite");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string path = fuzz::temporaryPath("vectors");
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(data),
             static_cast<std::streamsize>(size));
  ModuleInfo module;
  module.name = "M";
  ParameterInfo info;
  info.name = "Emb";
  info.shape = {4, 3};
  info.axes = {"V", "E"};
  module.parameters = {info};
  data::Vocabularies used;
  used.emplace("V", data::Vocabulary({"<unk>", "a", "b", "new york"}));
  data::TensorFile first;
  first.tensors.emplace_back("Emb", data::Tensor(data::DType::F32, {4, 3}));
  check(readWordVectors(path, "Emb", module, first, used), path);
  return 0;
}

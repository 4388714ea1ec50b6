// Manifest.cpp: what stands beside the PTX.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/NVPTX/PTX.h"

#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::target;
namespace json = llvm::json;

std::string nvptx::manifestOf(const Library &library, mlir::ArrayAttr launches,
                              llvm::StringRef ptxFile) {
  json::Object manifest = manifestJson(library);
  manifest["ptx"] = ptxFile;
  manifest["launches"] = toJson(launches);
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::formatv("{0:2}\n", json::Value(std::move(manifest)));
  return text;
}

// Manifest.cpp: what stands beside the PTX.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "rnnc/Target/NVPTX/PTX.h"

#include "llvm/Support/raw_ostream.h"

using namespace rnnc;
using namespace rnnc::target;
namespace json = llvm::json;

llvm::Expected<std::string> nvptx::manifestOf(const Library &library,
                                              llvm::StringRef launches,
                                              llvm::StringRef ptxFile) {
  llvm::Expected<json::Value> known = json::parse(launches);
  if (!known)
    return known.takeError();
  const json::Object *root = known->getAsObject();
  const json::Array *functions = root ? root->getArray("functions") : nullptr;
  if (!functions)
    return llvm::createStringError("the launches name no functions");
  llvm::Expected<json::Value> whole = json::parse(manifestText(library));
  if (!whole)
    return whole.takeError();
  json::Object &manifest = *whole->getAsObject();
  manifest["ptx"] = ptxFile;
  manifest["launches"] = json::Array(*functions);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}\n", *whole);
  return text;
}

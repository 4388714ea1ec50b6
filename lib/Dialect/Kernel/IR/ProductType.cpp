// ProductType.cpp: what large products on a GPU multiply.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "rnnc/Dialect/Kernel/Transforms/ProductType.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace rnnc::kernel {

std::optional<ProductType> productTypeNamed(StringRef name) {
  return llvm::StringSwitch<std::optional<ProductType>>(name)
      .Case("f32", ProductType::F32)
      .Case("tf32", ProductType::TF32)
      .Case("bf16", ProductType::BF16)
      .Default(std::nullopt);
}

StringRef nameOf(ProductType type) {
  switch (type) {
  case ProductType::F32:
    return "f32";
  case ProductType::TF32:
    return "tf32";
  case ProductType::BF16:
    return "bf16";
  }
  llvm_unreachable("a type of products");
}

ProductType productTypeOf(Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  auto name =
      module ? module->getAttrOfType<StringAttr>(kProductType) : StringAttr();
  return name ? productTypeNamed(name).value_or(ProductType::F32)
              : ProductType::F32;
}

} // namespace rnnc::kernel

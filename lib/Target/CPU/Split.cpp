// Split.cpp: the code of a variant in two halves.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three variants on two threads take as long as four. Halves of them fill the
// threads, and a machine with more threads makes each variant in half the time.
#include "rnnc/Target/CPU/Library.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

using namespace rnnc;
using mlir::ModuleOp;
using mlir::LLVM::LLVMFuncOp;

static int64_t countOps(LLVMFuncOp function) {
  int64_t ops = 0;
  function.walk([&](mlir::Operation *) { ++ops; });
  return ops;
}

/// The symbols that the code of a function names.
static llvm::SmallSetVector<mlir::StringAttr, 8> namesIn(LLVMFuncOp function) {
  llvm::SmallSetVector<mlir::StringAttr, 8> names;
  if (auto uses = mlir::SymbolTable::getSymbolUses(&function.getBody()))
    for (const mlir::SymbolTable::SymbolUse &use : *uses)
      names.insert(use.getSymbolRef().getRootReference());
  return names;
}

/// Private functions, without those that need data of the module.
static bool canMove(LLVMFuncOp function, const mlir::SymbolTable &symbols) {
  return function.isPrivate() && !function.isExternal() &&
         llvm::all_of(namesIn(function), [&](mlir::StringAttr name) {
           return symbols.lookup<LLVMFuncOp>(name);
         });
}

/// Declares in `part` what its functions take from the other half, where they
/// are no longer private.
static void declareFrom(const mlir::SymbolTable &other, ModuleOp part) {
  mlir::SymbolTable symbols(part);
  llvm::SmallSetVector<mlir::StringAttr, 32> missing;
  for (LLVMFuncOp function : part.getOps<LLVMFuncOp>())
    if (!function.isExternal())
      for (mlir::StringAttr name : namesIn(function))
        if (!symbols.lookup(name))
          missing.insert(name);
  auto builder = mlir::OpBuilder::atBlockBegin(part.getBody());
  for (mlir::StringAttr name : missing) {
    auto function = other.lookup<LLVMFuncOp>(name);
    if (!function.isExternal())
      function.setVisibility_(mlir::LLVM::Visibility::Hidden);
    builder.insert(function.cloneWithoutRegions());
  }
}

mlir::OwningOpRef<ModuleOp> target::splitOff(ModuleOp module,
                                             int64_t leastOps) {
  mlir::SymbolTable symbols(module);
  int64_t all = 0;
  llvm::SmallVector<std::pair<LLVMFuncOp, int64_t>> movable;
  for (LLVMFuncOp function : module.getOps<LLVMFuncOp>()) {
    int64_t ops = countOps(function);
    all += ops;
    if (canMove(function, symbols))
      movable.emplace_back(function, ops);
  }
  if (all < leastOps)
    return nullptr;
  mlir::OwningOpRef<ModuleOp> half = ModuleOp::create(module.getLoc());
  (*half)->setAttrs(module->getAttrDictionary());
  // The last are moved, and stay in their order.
  int64_t moved = 0;
  for (auto &[function, ops] : llvm::reverse(movable)) {
    if (2 * moved >= all)
      break;
    function->moveBefore(half->getBody(), half->getBody()->begin());
    moved += ops;
  }
  mlir::SymbolTable stayed(module), gone(*half);
  declareFrom(stayed, *half);
  declareFrom(gone, module);
  return half;
}

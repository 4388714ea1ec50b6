// Stack.cpp: how much stack the calls of a library need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The code generator says how large each frame is; the calls are read from the
// optimised code. A function whose address another one hands on, a task above
// all, counts as called by it.
#include "Stack.h"

#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

#include <functional>

using namespace rnnc;
using namespace rnnc::target;

void StackUse::watch(llvm::Module &module) {
  for (llvm::Function &f : module)
    if (!f.isDeclaration()) {
      nodes[f.getName()].frame = kReturnBytes;
      // Every frame is larger than nothing: all are reported.
      f.addFnAttr("warn-stack-size", "0");
    }
  module.getContext().setDiagnosticHandlerCallBack(
      [](const llvm::DiagnosticInfo *info, void *use) {
        auto &stack = *static_cast<StackUse *>(use);
        if (auto *frame = llvm::dyn_cast<llvm::DiagnosticInfoStackSize>(info)) {
          stack.nodes[frame->getFunction().getName()].frame =
              frame->getStackSize() + kReturnBytes;
        } else if (info->getSeverity() == llvm::DS_Error) {
          llvm::raw_string_ostream os(stack.fault);
          llvm::DiagnosticPrinterRawOStream printer(os);
          info->print(printer);
        }
      },
      this);
}

void StackUse::readCalls(const llvm::Module &module) {
  for (const llvm::Function &f : module) {
    if (f.isDeclaration())
      continue;
    Node &node = nodes[f.getName()];
    for (const llvm::Instruction &op : llvm::instructions(f)) {
      auto *place = llvm::dyn_cast<llvm::AllocaInst>(&op);
      node.dynamic |= place && !place->isStaticAlloca();
      for (const llvm::Use &operand : op.operands())
        if (auto *callee =
                llvm::dyn_cast<llvm::Function>(operand->stripPointerCasts());
            callee && !callee->isIntrinsic())
          node.calls.push_back(callee->getName().str());
    }
  }
}

void StackUse::add(const StackUse &other) {
  for (const auto &entry : other.nodes)
    nodes[entry.getKey()] = entry.getValue();
  fault += other.fault;
}

llvm::Expected<StackUse::Chain>
StackUse::deepest(llvm::ArrayRef<std::string> roots) const {
  struct Found {
    Chain chain;
    bool open = true;
  };
  llvm::StringMap<Found> known;
  std::string fault = this->fault;
  std::function<Chain(const std::string &)> visit =
      [&](const std::string &name) -> Chain {
    auto node = nodes.find(name);
    if (node == nodes.end())
      return {};
    auto [entry, isNew] = known.try_emplace(name);
    if (!isNew) {
      if (entry->second.open)
        fault = "`" + name + "` calls itself";
      return entry->second.chain;
    }
    if (node->second.dynamic)
      fault = "the frame of `" + name + "` has no fixed size";
    Chain best;
    for (const std::string &callee : node->second.calls) {
      Chain chain = visit(callee);
      if (chain.bytes > best.bytes)
        best = std::move(chain);
    }
    best.bytes += node->second.frame;
    best.functions.insert(best.functions.begin(), name);
    Found &found = known[name];
    found.open = false;
    found.chain = best;
    return best;
  };
  Chain best;
  for (const std::string &root : roots) {
    Chain chain = visit(root);
    if (chain.bytes > best.bytes)
      best = std::move(chain);
  }
  if (!fault.empty())
    return llvm::createStringError(fault);
  return best;
}

std::pair<std::string, uint64_t> StackUse::largest() const {
  std::pair<std::string, uint64_t> best;
  for (const auto &entry : nodes) {
    uint64_t bytes = entry.getValue().frame;
    // By name where two are equal: the order of a map says nothing.
    if (bytes > best.second ||
        (bytes == best.second && entry.getKey() < best.first))
      best = {entry.getKey().str(), bytes};
  }
  return best;
}

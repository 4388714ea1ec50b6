// Load.cpp: modules: their variables get memory, their kernels are decoded.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Decoder.h"

using namespace rnnc::ptx;

static bool placeVariables(LoadedModule &module, DeviceMemory &memory,
                           Refusal &refusal) {
  for (const Variable &variable : module.syntax.variables) {
    if (variable.space == Space::Shared)
      continue;
    Allocation *made = memory.allocate(variable.bytes, variable.align);
    if (!made) {
      refusal = {variable.line, "no memory for " + variable.name};
      return false;
    }
    made->isVariable = true;
    made->isConst = variable.space == Space::Const;
    made->name = variable.name;
    // What has no initial value is 0.
    std::memset(made->host, 0, variable.bytes);
    if (!variable.init.empty())
      std::memcpy(made->host, variable.init.data(), variable.bytes);
    module.variables[variable.name] = made;
  }
  for (const Variable &variable : module.syntax.variables)
    for (const Variable::Relocation &relocation : variable.relocations) {
      auto found = module.variables.find(relocation.symbol);
      if (found == module.variables.end()) {
        refusal = {variable.line, relocation.symbol + " is not declared"};
        return false;
      }
      uint64_t address = found->second->base + uint64_t(relocation.addend);
      std::memcpy(module.variables[variable.name]->host + relocation.offset,
                  &address, 8);
    }
  return true;
}

std::unique_ptr<LoadedModule> rnnc::ptx::loadModule(std::string_view text,
                                                    DeviceMemory &memory,
                                                    Refusal &refusal) {
  auto module = std::make_unique<LoadedModule>();
  if (!parse(text, module->syntax, refusal))
    return nullptr;
  bool ok = placeVariables(*module, memory, refusal);
  for (const Function &function : module->syntax.functions) {
    if (!ok)
      break;
    if (!function.isEntry || function.isDeclaration)
      continue;
    std::unique_ptr<Kernel> kernel = Decoder(*module, function, refusal).run();
    ok = kernel != nullptr;
    module->kernels.push_back(std::move(kernel));
  }
  if (ok)
    return module;
  unloadModule(*module, memory);
  return nullptr;
}

void rnnc::ptx::unloadModule(LoadedModule &module, DeviceMemory &memory) {
  for (auto &[name, allocation] : module.variables) {
    allocation->isVariable = false;
    memory.release(allocation->base);
  }
  module.variables.clear();
}

// FunctionBinder.h: makes the public functions of one module.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_TARGET_INTERFACE_FUNCTIONBINDER_H
#define RNNC_LIB_TARGET_INTERFACE_FUNCTIONBINDER_H

#include "Functions.h"

namespace rnnc::target {

/// How an output is drawn: a rt::DrawKind.
int32_t drawKind(const Port &port);

/// Of an argument with one dimension that is known its size; 0 of all others.
int64_t elementsOf(const RawArg &arg);

/// Says of every argument of compiled functions where it comes from: the caller
/// of a public function, or an object.
class FunctionBinder {
public:
  FunctionBinder(const Library &library, Module &m,
                 const std::vector<RawEntry> &entries)
      : library(library), m(m), entries(entries) {}

  llvm::Expected<Function> make(llvm::StringRef name, const RawExport *named);
  /// The code that packs the weights, if there is any.
  llvm::Error makePrepare();

private:
  const RawEntry *find(llvm::StringRef name) const {
    for (const RawEntry &entry : entries)
      if (entry.function.getName() == name)
        return &entry;
    return nullptr;
  }
  const Port *port(llvm::StringRef name) const {
    for (const Port &p : m.ports)
      if (p.name == name)
        return &p;
    return nullptr;
  }
  llvm::Error unknown(const RawEntry &entry, const RawArg &arg) const {
    return llvm::createStringError(
        "`" + entry.symbol + "`: argument `" + arg.slot.getName().str() +
        "` has the role `" + interface::stringifyRole(arg.slot.getRole()) +
        "`, which `" + entry.function.getName().str() + "` does not know");
  }

  llvm::Expected<Function> trainStep(const RawEntry &gradient,
                                     const RawEntry &update);
  llvm::Expected<Function> sample(const RawEntry &step);
  llvm::Expected<Function> sampleEach(const RawEntry &predict);
  llvm::Expected<Function> draw(llvm::StringRef name, const RawExport *named);
  llvm::Error bindDraw(Function &f, Entry &entry, const RawEntry &raw,
                       const Port &drawn);
  void addDrawOptions(Function &f);
  void addDrawResults(Function &f, const Port &drawn, const RawEntry &begin,
                      bool isShown);

  void collectTimes(Function &f, const RawEntry &raw);
  void collectObserved(Function &f);
  Shape shapeOf(const Function &f, mlir::ArrayAttr sizes) const;
  int64_t dimension(const Function &f, llvm::StringRef name) const;
  int addArg(Function &f, llvm::StringRef name, rt::DType dtype, Shape shape,
             rt::Role role, bool optional = false);
  int addArg(Function &f, const RawArg &raw, rt::Role role, bool optional) {
    return addArg(f, raw.slot.getName(), raw.dtype,
                  shapeOf(f, raw.slot.getShape()), role, optional);
  }
  llvm::Error bind(Function &f, Entry &entry, const RawEntry &raw);
  llvm::Error bindArg(Function &f, EntryArg &arg, const RawEntry &raw,
                      const RawArg &from);
  std::optional<rt::Role> userRole(const Function &f, const RawArg &from) const;
  llvm::Error bindUpdate(Entry &entry, const RawEntry &raw);
  int parameterIndex(llvm::StringRef name) const;
  int stateIndex(llvm::StringRef name) const;
  bool statesAreArguments() const { return m.kind != "model"; }

  const Library &library;
  Module &m;
  const std::vector<RawEntry> &entries;
};

} // namespace rnnc::target

#endif // RNNC_LIB_TARGET_INTERFACE_FUNCTIONBINDER_H

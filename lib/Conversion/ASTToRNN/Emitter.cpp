// Emitter.cpp - sizes, types and places of one elaboration.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Emitter.h"

#include "rnnc/Conversion/ASTToRNN/ASTToRNN.h"
#include "rnnc/Support/Work.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace rnnc;
using namespace rnnc::elab;

OwningOpRef<mlir::ModuleOp> rnnc::emitRNN(const CheckedProgram &program,
                                          const SourceManager &sources,
                                          MLIRContext &context,
                                          Diagnostics &diags) {
  context.loadDialect<rnn::RNNDialect>();
  return Emitter(program, sources, context, diags).run();
}

bool elab::isWithin(Region *inner, Region *outer) {
  while (inner && inner != outer) {
    Operation *around = inner->getParentOp();
    inner = around ? around->getParentRegion() : nullptr;
  }
  return inner != nullptr;
}

Emitter::Emitter(const CheckedProgram &program, const SourceManager &sources,
                 MLIRContext &context, Diagnostics &diags)
    : program(program), sources(sources), diags(diags), builder(&context) {
  builder.setListener(&growth);
}

/// Functions, layers, cells and the copies of `repeat` are written out where
/// they are used: a few lines can stand for more than any machine holds.
constexpr int64_t maxOps = 100000;
constexpr size_t maxInstances = 10000;

bool Emitter::isTooLarge(SourceRange range, const std::string &what) {
  if (growth.ops <= maxOps && instances.size() <= maxInstances)
    return false;
  if (grewTooLarge)
    return true;
  grewTooLarge = true;
  bool byOps = growth.ops > maxOps;
  diags
      .error("E417", ownPlace(range),
             "this program has more than " +
                 std::to_string(byOps ? maxOps : int64_t(maxInstances)) +
                 (byOps ? " operations" : " layers and cells") +
                 " when it is written out")
      .label("too many when " + what + " is written out here")
      .note("functions, layers and cells are written out where they are used, "
            "and once for each copy of `repeat`")
      .help("fewer copies, or a value that is used twice under a name of its "
            "own");
  return true;
}

//===----------------------------------------------------------------------===//
// Places and errors
//===----------------------------------------------------------------------===//

Location Emitter::loc(SourceRange range) {
  if (!range.valid())
    return builder.getUnknownLoc();
  LineColumn place = sources.lineColumn(range.file, range.begin);
  Location result = FileLineColLoc::get(
      builder.getContext(), sources.name(range.file), place.line, place.column);
  workOn(result);
  return result;
}

Thing Emitter::error(const char *code, SourceRange range, std::string message,
                     std::string label) {
  SourceRange own = ownPlace(range);
  Diagnostic &made = diags.error(code, own, std::move(message));
  if (own == range)
    made.label(std::move(label));
  else // of a line of the standard library
    made.label("where this is used").also(range, std::move(label));
  return {};
}

Thing Emitter::contradiction(SourceRange range, std::string what) {
  return error("E999", range, what + " has no meaning",
               "found while compiling");
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

AxisInfo *Emitter::newAxis(const std::string &name) {
  // Two blocks may declare axes of one name; both are kept apart.
  std::string unique = name;
  for (unsigned i = 2; !axisNames.insert(unique).second; ++i)
    unique = name + "." + std::to_string(i);
  AxisInfo &info = axes.emplace_back();
  info.name = unique;
  info.declared = name;
  info.order = axes.size();
  return &info;
}

std::optional<Size> Emitter::size(const ast::Size &node, Env &env) {
  switch (node.kind) {
  case ast::Size::Kind::Number:
    return Size(node.number);
  case ast::Size::Kind::Name: {
    auto it = env.sizes.find(node.name);
    if (it != env.sizes.end())
      return it->second;
    error("E999", node.range, "the size `" + node.name + "` is not known here",
          "cannot be found from what is given");
    return std::nullopt;
  }
  default:
    break;
  }
  std::optional<Size> lhs = size(*node.lhs, env), rhs = size(*node.rhs, env);
  if (!lhs || !rhs)
    return std::nullopt;
  if (node.kind == ast::Size::Kind::Mul)
    return lhs->mul(*rhs);
  return lhs->add(*rhs, node.kind == ast::Size::Kind::Add ? 1 : -1);
}

rnn::AxisAttr Emitter::axis(const Size &size, SourceRange range) {
  MLIRContext *context = builder.getContext();
  const AxisInfo *single = size.axis();
  rnn::AxisAttr result;
  if (single && single->isTime) {
    result = rnn::AxisAttr::time(context, single->name);
  } else if (const AxisInfo *unbound = size.unbound()) {
    auto place = dimPlaces.find(unbound->name);
    diags
        .error("E403", place == dimPlaces.end() ? range : place->second,
               "`" + unbound->name + "` has no value")
        .label("no value")
        .help("write `dim " + unbound->name +
              " = 96`, or give it when compiling: `rnnc " +
              sources.name(program.main().id) + " -D " + unbound->name +
              "=96`");
    return {};
  } else {
    std::optional<int64_t> value = size.value();
    if (!value || *value < 0 || *value > INT32_MAX) {
      error("E999", range, "the size " + size.str() + " is out of range",
            "cannot be compiled");
      return {};
    }
    result = rnn::AxisAttr::get(context, size.str(), *value);
  }
  axisSizes.try_emplace(result, size);
  return result;
}

Size Emitter::sizeOf(rnn::AxisAttr axis) { return axisSizes.lookup(axis); }

rnn::ValueType Emitter::type(const ast::Type &node, Env &env) {
  llvm::SmallVector<rnn::AxisAttr> list;
  for (const ast::SizePtr &one : node.axes) {
    std::optional<Size> poly = size(*one, env);
    rnn::AxisAttr attr = poly ? axis(*poly, one->range) : rnn::AxisAttr();
    if (!attr)
      return {};
    list.push_back(attr);
  }
  MLIRContext *context = builder.getContext();
  switch (node.kind) {
  case ast::Type::Kind::Real:
    return rnn::ValueType::real(context, list);
  case ast::Type::Kind::Int:
    return rnn::ValueType::get(context, list, rnn::ValueKind::Int, {});
  case ast::Type::Kind::Bit:
    return rnn::ValueType::get(context, list, rnn::ValueKind::Bit, {});
  case ast::Type::Kind::Index: {
    std::optional<Size> poly = size(*node.index, env);
    rnn::AxisAttr attr =
        poly ? axis(*poly, node.index->range) : rnn::AxisAttr();
    if (!attr)
      return {};
    return rnn::ValueType::get(context, list, rnn::ValueKind::Index, attr);
  }
  case ast::Type::Kind::Dist:
    break;
  }
  contradiction(node.range, "a distribution here");
  return {};
}

// Sema.cpp - names and types of a parsed program.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sema.h"

using namespace rnnc;

static std::optional<int64_t> value(const ast::Size &size,
                                    const CheckedProgram &program) {
  if (size.kind == ast::Size::Kind::Number)
    return size.number;
  if (size.kind == ast::Size::Kind::Name) {
    auto it = program.dims.find(size.name);
    return it == program.dims.end() ? std::nullopt
                                    : std::optional<int64_t>(it->second);
  }
  auto a = value(*size.lhs, program), b = value(*size.rhs, program);
  if (!a || !b)
    return std::nullopt;
  int64_t r = 0;
  bool bad = size.kind == ast::Size::Kind::Add
                 ? __builtin_add_overflow(*a, *b, &r)
             : size.kind == ast::Size::Kind::Sub
                 ? __builtin_sub_overflow(*a, *b, &r)
                 : __builtin_mul_overflow(*a, *b, &r);
  return bad ? std::nullopt : std::optional<int64_t>(r);
}

void rnnc::analyse(CheckedProgram &program, const SourceManager &sources,
                   const FrontendOptions &options, Diagnostics &diags) {
  for (const auto &file : program.files)
    for (const ast::ItemPtr &item : file->items)
      if (const auto *dim = ast::dynAs<ast::DimItem>(*item))
        for (const ast::DimEntry &entry : dim->entries) {
          std::optional<int64_t> v =
              entry.value ? value(*entry.value, program) : std::nullopt;
          for (const auto &[name, given] : options.dims)
            if (name == entry.name.text)
              v = given;
          if (v)
            program.dims[entry.name.text] = *v;
        }
}

// Bitcode.cpp: the whole runtime as one translation unit, for the bitcode that
// the compiler links into every library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Call.cpp"
#include "Check.cpp"
#include "Context.cpp"
#include "Describe.cpp"
#include "Errors.cpp"
#include "Find.cpp"
#include "Objects.cpp"
#include "Open.cpp"
#include "Params.cpp"
#include "Philox.cpp"
#include "Prepared.cpp"
#include "Safetensors.cpp"
#include "Sample.cpp"
#include "Save.cpp"
#include "Straight.cpp"
#include "Train.cpp"

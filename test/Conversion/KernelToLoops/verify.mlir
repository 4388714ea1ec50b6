// RUN: rnn-opt %s --kernel-verify-llvm --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// expected-error @below {{names a function the runtime does not give: malloc}}
llvm.func @malloc(i64) -> !llvm.ptr

// -----

llvm.func @libm(%x: f32) -> f32 {
  // expected-error @below {{would become a call of libm}}
  %0 = llvm.intr.exp(%x) : (f32) -> f32
  llvm.return %0 : f32
}

// -----

llvm.func @stack(%n: i64) {
  llvm.br ^loop
^loop:
  // expected-error @below {{takes stack outside of the entry block}}
  %0 = llvm.alloca %n x f32 : (i64) -> !llvm.ptr
  llvm.return
}

// -----

// expected-error @below {{is no op of the LLVM dialect}}
func.func @left() {
  // expected-error @below {{is no op of the LLVM dialect}}
  return
}

// -----

llvm.func @rnnc_rt_parallel_for(!llvm.ptr, i64, !llvm.ptr, !llvm.ptr, i64)

// -----

llvm.func @remainder(%x: f32) -> f32 {
  // expected-error @below {{would become a call of libm}}
  %0 = llvm.frem %x, %x : f32
  llvm.return %0 : f32
}

// RUN: rnn-opt %s --pass-pipeline='builtin.module(gpu.module(convert-kernels-to-nvvm))' --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

gpu.module @kernels {
  gpu.func @k(%x: !llvm.ptr) kernel {
    %a = llvm.load %x : !llvm.ptr -> f32
    // expected-error @below {{would become a call that nothing answers}}
    %b = math.exp %a : f32
    llvm.store %b, %x : f32, !llvm.ptr
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @k(%x: !llvm.ptr) kernel {
    %a = llvm.load %x : !llvm.ptr -> f32
    // expected-error @below {{is left in a kernel}}
    %b = scan.sigmoid %a : f32
    llvm.store %b, %x : f32, !llvm.ptr
    gpu.return
  }
}

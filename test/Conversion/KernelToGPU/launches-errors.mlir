// RUN: not rnn-opt %s --gpu-collect-launches --split-input-file 2>&1 | FileCheck %s --check-prefix=LAUNCHES
// RUN: not rnn-opt %s --gpu-keep-kernels --split-input-file 2>&1 | FileCheck %s --check-prefix=KEEP
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A size that no dimension gives.
// LAUNCHES: error: [E908] `f` needs sizes that are computed on the host
module attributes {gpu.container_module} {
  func.func @f(%x: memref<?xf32>) attributes {rnnc.function = #rnnc.function<"" "f", []>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = memref.dim %x, %c0 : memref<?xf32>
    gpu.launch_func @kernels::@k blocks in (%n, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : memref<?xf32>, %n : index)
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<?xf32>, %n: index) kernel {
      gpu.return
    }
  }
}

// -----

// KEEP: error: has no kernels: convert-kernel-to-gpu makes them
module {
  func.func @f(%x: memref<?xf32>) attributes {rnnc.function = #rnnc.function<"" "f", []>} {
    return
  }
}

// -----

// KEEP: error: has a buffer that is not followed by its sizes
module attributes {gpu.container_module} {
  gpu.module @kernels {
    gpu.func @k(%x: memref<?xf32>) kernel {
      gpu.return
    }
  }
}

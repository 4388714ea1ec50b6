// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse | FileCheck %s
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --gpu-collect-launches --rnnc-nvvm | FileCheck %s --check-prefix=NVVM
// RUN: sed 's/product_type = "tf32"/product_type = "bf16"/' %s | rnn-opt --convert-kernel-to-gpu --canonicalize --cse | FileCheck %s --check-prefix=BF16
// RUN: sed 's/product_type = "tf32"/product_type = "f16"/' %s | not rnn-opt 2>&1 | FileCheck %s --check-prefix=BAD
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#gpu = #kernel.gpu<warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>
#target = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040, gpu = #gpu>
#module = #kernel.schedule<"sm_80" block_threads = 256>
#large = #kernel.schedule<"sm_80" tile_rows = 4, unroll = 1, block_steps = 8, block_rows = 32, block_columns = 64, flat_rows = 1, block_threads = 128>
#never = #kernel.schedule<"sm_80" tile_rows = 4, unroll = 1, block_steps = 8, block_rows = 32, block_columns = 64, flat_rows = 1099511627776, block_threads = 128>

// BAD: error: kernel.product_type is "f32", "tf32" or "bf16"
module attributes {kernel.schedule = #module, kernel.target = #target, kernel.product_type = "tf32"} {

// Eight warps have 16 x 16 of 32 x 64 each: two matrices. Rows of the left operand
// come through ldmatrix; what lies the other way is read number by number, from rows
// with 8 numbers between them.

// CHECK-LABEL: gpu.func @product_0_tiles_tf32
// CHECK-SAME: workgroup(%[[A:.*]] : memref<1152xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %[[B:.*]] : memref<1728xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK: nvgpu.ldmatrix %[[A]][%{{.*}}] {numTiles = 4 : i32, transpose = false}
// CHECK: nvvm.convert.float.to.tf32 {{.*}}rna
// CHECK: memref.load %[[B]]
// CHECK-COUNT-2: nvvm.mma.sync {{.*}}tf32{{.*}}k = 8
// CHECK-NOT: nvvm.mma.sync
// CHECK-NOT: math.fma
// CHECK: memref.store
// NVVM: nvvm.ldmatrix
// NVVM: nvvm.mma.sync
// NVVM-NOT: vector.extract

// BF16-LABEL: gpu.func @product_0_tiles_bf16
// BF16: nvvm.convert.f32x2.to.bf16x2
// BF16-COUNT-2: nvvm.mma.sync {{.*}}bf16{{.*}}k = 16
// BF16-NOT: nvvm.mma.sync
// BF16: memref.store
func.func @product(%a: memref<?x48xf32>, %b: memref<3104xf32>, %c: memref<?x64xf32>) {
  kernel.gemm ins(%a, %b : memref<?x48xf32>, memref<3104xf32>) outs(%c : memref<?x64xf32>) {packed_b, kernel.schedule = #large}
  return
}

// f64 has no such matrices, nor what has no tiles.

// CHECK-LABEL: gpu.func @double_0_tiles(
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.return
// CHECK-LABEL: gpu.func @small_0_product(
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.return
func.func @double(%a: memref<?x48xf64>, %b: memref<?x64xf64>, %c: memref<48x64xf64>) {
  kernel.gemm ins(%a, %b : memref<?x48xf64>, memref<?x64xf64>) outs(%c : memref<48x64xf64>) {trans_a, kernel.schedule = #large}
  return
}
func.func @small(%a: memref<?x128xf32>, %b: memref<?x64xf32>, %c: memref<128x64xf32>) {
  kernel.gemm ins(%a, %b : memref<?x128xf32>, memref<?x64xf32>) outs(%c : memref<128x64xf32>) {trans_a, kernel.schedule = #never}
  return
}
}

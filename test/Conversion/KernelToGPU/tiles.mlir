// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse | FileCheck %s
// RUN: rnn-opt %s --convert-kernel-to-gpu --canonicalize --cse --gpu-collect-launches --rnnc-nvvm | FileCheck %s --check-prefix=NVVM
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#gpu = #kernel.gpu<warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>
#target = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040, gpu = #gpu>
#module = #kernel.schedule<"sm_80" block_threads = 256>
#large = #kernel.schedule<"sm_80" tile_rows = 4, unroll = 1, block_steps = 8, block_rows = 32, block_columns = 64, flat_rows = 100, block_threads = 128>
#never = #kernel.schedule<"sm_80" tile_rows = 4, unroll = 1, block_steps = 8, block_rows = 32, block_columns = 64, flat_rows = 1099511627776, block_threads = 128>

module attributes {kernel.schedule = #module, kernel.target = #target} {

// From 100 rows on a block has 32 rows of 64 columns, else a thread has 4 rows of
// a column; which of them has blocks follows from the number of rows.

// CHECK-LABEL: func.func @product(
// CHECK: %[[ROWS:.*]] = memref.dim %{{.*}}, %c0
// CHECK: %[[TIMES:.*]] = arith.divui %[[ROWS]], %c100
// CHECK: %[[MORE:.*]] = arith.addi %[[TIMES]], %c1
// CHECK: %[[FEW:.*]] = arith.divui %c1, %[[MORE]]
// CHECK: %[[ENOUGH:.*]] = arith.subi %c1, %[[FEW]]
// CHECK: gpu.launch_func @kernels::@product_0_tiles {{.*}} threads in (%c256, %c1, %c1)
// CHECK: gpu.launch_func @kernels::@product_0_product {{.*}} threads in (%c128, %c1, %c1)
// CHECK-LABEL: func.func @gradient(
// CHECK-NOT: _product
// CHECK: gpu.launch_func @kernels::@gradient_0_tiles blocks in (%c4, %c1, %c1)
// CHECK-LABEL: func.func @small(
// CHECK-NOT: _tiles
// CHECK: gpu.launch_func @kernels::@small_0_product

// Copies of four numbers where rows begin at 16 bytes, else of one; two groups of
// them are on their way while one is read.

// CHECK-LABEL: gpu.func @product_0_tiles
// CHECK-SAME: workgroup(%[[A:.*]] : memref<1152xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64}, %[[B:.*]] : memref<1536xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
// CHECK-SAME: nvvm.reqntid = array<i32: 256, 1, 1>
// CHECK: memref.extract_aligned_pointer_as_index
// CHECK: scf.if
// CHECK: scf.if
// CHECK: nvgpu.device_async_copy {{.*}}, %[[A]][%{{.*}}], 4, %{{.*}} {bypassL1}
// CHECK: } else {
// CHECK: nvgpu.device_async_copy {{.*}}, %[[A]][%{{.*}}], 1, %
// CHECK: nvgpu.device_async_copy {{.*}}, %[[B]][
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK: nvvm.cp.async.wait.group 1
// CHECK-NEXT: gpu.barrier
// CHECK: nvgpu.device_async_copy
// CHECK: nvvm.cp.async.commit.group
// CHECK: scf.for
// CHECK-COUNT-32: math.fma
// CHECK-NOT: gpu.barrier
// CHECK: memref.store
// NVVM: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg, %
// NVVM: nvvm.cp.async.shared.global {{.*}}, 4, cache = ca, %
func.func @product(%a: memref<?x48xf32>, %b: memref<3104xf32>, %c: memref<?x64xf32>) {
  kernel.gemm ins(%a, %b : memref<?x48xf32>, memref<3104xf32>) outs(%c : memref<?x64xf32>) {packed_b, kernel.schedule = #large}
  return
}

// Terms of which the number is not known are added up 256 at a time; what was there
// is added to, but by the first.

// CHECK-LABEL: gpu.func @gradient_0_tiles
// CHECK: %{{.*}} = arith.cmpi ult, %{{.*}}, %c32
// CHECK: arith.select
// CHECK: arith.addf
// CHECK: memref.store
func.func @gradient(%a: memref<?x128xf32>, %b: memref<?x64xf32>, %c: memref<128x64xf32>) {
  kernel.gemm ins(%a, %b : memref<?x128xf32>, memref<?x64xf32>) outs(%c : memref<128x64xf32>) {trans_a, kernel.schedule = #large}
  return
}

func.func @small(%a: memref<?x128xf32>, %b: memref<?x64xf32>, %c: memref<128x64xf32>) {
  kernel.gemm ins(%a, %b : memref<?x128xf32>, memref<?x64xf32>) outs(%c : memref<128x64xf32>) {trans_a, kernel.schedule = #never}
  return
}
}

; Forms of PTX that LLVM's back end writes are understood, for old and new chips.
; RUN: llc -O0 -mcpu=sm_80 -mattr=+ptx70 %s -o - | tee %t.ptx | FileCheck %s --check-prefix=ARE
; RUN: ptx-run %t.ptx | FileCheck %s
; RUN: llc -O3 -mcpu=sm_90 -mattr=+ptx78 %s -o %t.ptx && ptx-run %t.ptx | FileCheck %s
; RUN: llc -O3 -mcpu=sm_100 -mattr=+ptx86 %s -o %t.ptx && ptx-run %t.ptx | FileCheck %s
; CHECK: k: {{[0-9]+}} instructions, {{[0-9]+}} registers, 1024 bytes of shared memory
; ARE: .extern .shared .align 16 .b8 smem[];
; ARE: cp.async.cg.shared.global
; ARE: max.NaN.f32
; ARE: fma.rn.bf16x2
; ARE: fence.acq_rel.gpu;
; ARE: atom.acq_rel.gpu.global.cas.b32
; ARE: .branchtargets
; ARE: brx.idx
target triple = "nvptx64-nvidia-cuda"
@smem = external addrspace(3) global [0 x i8], align 16
@tile = internal addrspace(3) global [256 x float] undef, align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare i32 @llvm.nvvm.shfl.sync.bfly.i32(i32,i32,i32,i32)
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32,float,i32,i32)
declare i32 @llvm.nvvm.vote.ballot.sync(i32, i1)
declare void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare i32 @llvm.ctpop.i32(i32)
declare i32 @llvm.ctlz.i32(i32, i1)
declare i32 @llvm.cttz.i32(i32, i1)
declare i32 @llvm.bitreverse.i32(i32)
declare i32 @llvm.fshl.i32(i32,i32,i32)
declare float @llvm.fma.f32(float,float,float)
declare float @llvm.exp2.f32(float)
declare float @llvm.floor.f32(float)
declare float @llvm.maximum.f32(float,float)
declare float @llvm.minnum.f32(float,float)
declare float @llvm.roundeven.f32(float)
declare bfloat @llvm.fma.bf16(bfloat,bfloat,bfloat)
declare <2 x bfloat> @llvm.fma.v2bf16(<2 x bfloat>,<2 x bfloat>,<2 x bfloat>)
declare i64 @llvm.umax.i64(i64,i64)
declare i32 @llvm.usub.sat.i32(i32,i32)
define ptx_kernel void @k(ptr addrspace(1) noalias readonly align 16 %x, ptr addrspace(1) align 16 %y, i32 %n, i64 %m) #0 {
entry:
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %i64 = zext i32 %t to i64
  %p = getelementptr <4 x float>, ptr addrspace(1) %x, i64 %i64
  %v = load <4 x float>, ptr addrspace(1) %p, align 16
  %s = getelementptr [256 x float], ptr addrspace(3) @tile, i32 0, i32 %t
  %v0 = extractelement <4 x float> %v, i32 0
  store float %v0, ptr addrspace(3) %s, align 4
  %sm = getelementptr i8, ptr addrspace(3) @smem, i32 0
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %sm, ptr addrspace(1) %p)
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 0)
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %e = call float @llvm.exp2.f32(float %v0)
  %fl = call float @llvm.floor.f32(float %e)
  %mx = call float @llvm.maximum.f32(float %fl, float %v0)
  %mn = call float @llvm.minnum.f32(float %mx, float %e)
  %re = call float @llvm.roundeven.f32(float %mn)
  %sh = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %re, i32 1, i32 31)
  %h = fptrunc float %sh to bfloat
  %h2 = call bfloat @llvm.fma.bf16(bfloat %h, bfloat %h, bfloat %h)
  %hv = insertelement <2 x bfloat> undef, bfloat %h, i32 0
  %hv2 = insertelement <2 x bfloat> %hv, bfloat %h2, i32 1
  %hv3 = call <2 x bfloat> @llvm.fma.v2bf16(<2 x bfloat> %hv2, <2 x bfloat> %hv2, <2 x bfloat> %hv2)
  %hx = extractelement <2 x bfloat> %hv3, i32 1
  %f16 = fptrunc float %sh to half
  %f16b = fadd half %f16, 1.0
  %f16f = fpext half %f16b to float
  %hf = fpext bfloat %hx to float
  %sum = fadd float %hf, %f16f
  %d = fdiv float %sum, %v0
  %ix = fptosi float %d to i32
  %ctp = call i32 @llvm.ctpop.i32(i32 %ix)
  %ctz = call i32 @llvm.cttz.i32(i32 %n, i1 false)
  %clz = call i32 @llvm.ctlz.i32(i32 %n, i1 false)
  %rev = call i32 @llvm.bitreverse.i32(i32 %clz)
  %fs = call i32 @llvm.fshl.i32(i32 %rev, i32 %ctz, i32 %ctp)
  %us = call i32 @llvm.usub.sat.i32(i32 %fs, i32 %n)
  %dv = sdiv i32 %us, %n
  %rm = urem i64 %m, %i64
  %um = call i64 @llvm.umax.i64(i64 %rm, i64 5)
  %um32 = trunc i64 %um to i32
  %al = alloca [8 x i32], align 4
  %dd = and i32 %dv, 7
  %ap = getelementptr [8 x i32], ptr %al, i32 0, i32 %dd
  store i32 %um32, ptr %ap
  %ap2 = getelementptr [8 x i32], ptr %al, i32 0, i32 3
  %l = load volatile i32, ptr %ap2
  fence syncscope("device") acq_rel
  %old = atomicrmw add ptr addrspace(1) %y, i32 %l syncscope("device") monotonic
  %oldf = atomicrmw fadd ptr addrspace(1) %y, float %d syncscope("device") monotonic
  %oldm = atomicrmw umax ptr addrspace(1) %y, i32 %l syncscope("device") acq_rel
  %cx = cmpxchg ptr addrspace(1) %y, i32 %l, i32 %old syncscope("device") acq_rel monotonic
  %ac = load atomic i32, ptr addrspace(1) %y syncscope("device") acquire, align 4
  store atomic i32 %ac, ptr addrspace(1) %y syncscope("device") release, align 4
  %c = icmp slt i32 %ac, %n
  %bal = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %c)
  switch i32 %bal, label %d0 [ i32 0, label %a0  i32 1, label %a1  i32 2, label %a2 i32 3, label %a3 i32 4, label %a0 i32 5, label %a1]
a0:
  store i8 1, ptr addrspace(1) %y
  br label %d0
a1:
  store i16 1, ptr addrspace(1) %y
  br label %d0
a2:
  store <2 x i32> <i32 1, i32 2>, ptr addrspace(1) %y, align 8
  br label %d0
a3:
  br label %d0
d0:
  %ph = phi i32 [0, %entry],[1,%a0],[2,%a1],[3,%a2],[4,%a3]
  %ps = getelementptr i32, ptr addrspace(1) %y, i32 %ph
  store i32 %bal, ptr addrspace(1) %ps
  ret void
}
attributes #0 = { "nvvm.reqntid"="32,1,1" }

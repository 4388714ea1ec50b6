// A model by hand: loss = w[0] * x[0, 0] + w[1] * T, its gradient, and plain
// gradient descent at rate 0.5.
llvm.func @Tiny.loss.entry(%args: !llvm.ptr, %dims: !llvm.ptr, %ws: !llvm.ptr, %ctx: !llvm.ptr) {
  %w = llvm.load %args : !llvm.ptr -> !llvm.ptr
  %a2 = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %x = llvm.load %a2 : !llvm.ptr -> !llvm.ptr
  %a3 = llvm.getelementptr %args[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %loss = llvm.load %a3 : !llvm.ptr -> !llvm.ptr
  %w0 = llvm.load %w : !llvm.ptr -> f32
  %p1 = llvm.getelementptr %w[1] : (!llvm.ptr) -> !llvm.ptr, f32
  %w1 = llvm.load %p1 : !llvm.ptr -> f32
  %x0 = llvm.load %x : !llvm.ptr -> f32
  %d1 = llvm.getelementptr %dims[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %t = llvm.load %d1 : !llvm.ptr -> i64
  %tf = llvm.sitofp %t : i64 to f32
  %m0 = llvm.fmul %w0, %x0 : f32
  %m1 = llvm.fmul %w1, %tf : f32
  %sum = llvm.fadd %m0, %m1 : f32
  llvm.store %sum, %loss : f32, !llvm.ptr
  llvm.return
}
llvm.func @Tiny.loss.workspace(%dims: !llvm.ptr) -> i64 {
  %n = llvm.mlir.constant(128 : i64) : i64
  llvm.return %n : i64
}
llvm.func @Tiny.grad.entry(%args: !llvm.ptr, %dims: !llvm.ptr, %ws: !llvm.ptr, %ctx: !llvm.ptr) {
  llvm.call @Tiny.loss.entry(%args, %dims, %ws, %ctx) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, !llvm.ptr) -> ()
  %a2 = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %x = llvm.load %a2 : !llvm.ptr -> !llvm.ptr
  %a4 = llvm.getelementptr %args[4] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %g = llvm.load %a4 : !llvm.ptr -> !llvm.ptr
  %x0 = llvm.load %x : !llvm.ptr -> f32
  %d1 = llvm.getelementptr %dims[1] : (!llvm.ptr) -> !llvm.ptr, i64
  %t = llvm.load %d1 : !llvm.ptr -> i64
  %tf = llvm.sitofp %t : i64 to f32
  llvm.store %x0, %g : f32, !llvm.ptr
  %g1 = llvm.getelementptr %g[1] : (!llvm.ptr) -> !llvm.ptr, f32
  llvm.store %tf, %g1 : f32, !llvm.ptr
  llvm.return
}
llvm.func @Tiny.grad.workspace(%dims: !llvm.ptr) -> i64 {
  %n = llvm.mlir.constant(64 : i64) : i64
  llvm.return %n : i64
}
// arguments: params, grads, scalars, new params, norm, finite
llvm.func @Tiny.update.entry(%args: !llvm.ptr, %dims: !llvm.ptr, %ws: !llvm.ptr, %ctx: !llvm.ptr) {
  %p = llvm.load %args : !llvm.ptr -> !llvm.ptr
  %a1 = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %g = llvm.load %a1 : !llvm.ptr -> !llvm.ptr
  %a2 = llvm.getelementptr %args[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %s = llvm.load %a2 : !llvm.ptr -> !llvm.ptr
  %a3 = llvm.getelementptr %args[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %q = llvm.load %a3 : !llvm.ptr -> !llvm.ptr
  %a4 = llvm.getelementptr %args[4] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %n = llvm.load %a4 : !llvm.ptr -> !llvm.ptr
  %rate = llvm.load %s : !llvm.ptr -> f64
  %r32 = llvm.fptrunc %rate : f64 to f32
  %half = llvm.mlir.constant(5.0e-01 : f32) : f32
  %r = llvm.fmul %r32, %half : f32
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %count = llvm.mlir.constant(16 : i64) : i64
  llvm.br ^head(%zero : i64)
^head(%i: i64):
  %more = llvm.icmp "slt" %i, %count : i64
  llvm.cond_br %more, ^body, ^end
^body:
  %pi = llvm.getelementptr %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %gi = llvm.getelementptr %g[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %qi = llvm.getelementptr %q[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %pv = llvm.load %pi : !llvm.ptr -> f32
  %gv = llvm.load %gi : !llvm.ptr -> f32
  %step = llvm.fmul %gv, %r : f32
  %new = llvm.fsub %pv, %step : f32
  llvm.store %new, %qi : f32, !llvm.ptr
  %next = llvm.add %i, %one : i64
  llvm.br ^head(%next : i64)
^end:
  %g0 = llvm.load %g : !llvm.ptr -> f32
  llvm.store %g0, %n : f32, !llvm.ptr
  %a5 = llvm.getelementptr %args[5] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %f = llvm.load %a5 : !llvm.ptr -> !llvm.ptr
  %gap = llvm.fsub %g0, %g0 : f32
  %none = llvm.mlir.constant(0.0 : f32) : f32
  %finite = llvm.fcmp "oeq" %gap, %none : f32
  %word = llvm.zext %finite : i1 to i32
  llvm.store %word, %f : i32, !llvm.ptr
  llvm.return
}
llvm.func @Tiny.update.workspace(%dims: !llvm.ptr) -> i64 {
  %n = llvm.mlir.constant(0 : i64) : i64
  llvm.return %n : i64
}

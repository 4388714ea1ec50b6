// What the model of Tiny.mlir offers; its functions on buffers have no more in
// them than tells which arguments are read.
module attributes {rnnc.interface = #rnnc.interface<"f32" [
  #rnnc.module<"Tiny" "model" "Tiny", parameters = [
    #rnnc.parameter<"a.w" [2] ["H"] init = {kind = "constant", value = 3.0} offset = 0>
  ], inputs = [#rnnc.port<"x" "real" ["T"] ["T"]>], outputs = [], states = [], exports = [], settings = {
    axes = [], times = ["T"], nonempty = [], random = false, slot_names = [],
    train = {schedule = {kind = "step", every = 2.0, by = 0.5, after = 1.0}}}>
]>} {
  func.func @Tiny.loss(%w: memref<2xf32> {rnnc.slot = #rnnc.slot<param "a.w", [2]>},
                       %t: memref<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"] optional>},
                       %x: memref<?x?xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", "T"]>},
                       %loss: memref<f32> {rnnc.slot = #rnnc.slot<loss "loss", []>})
      attributes {rnnc.function = #rnnc.function<"Tiny" "loss", ["batch", "T"] results = 1>} {
    %c0 = arith.constant 0 : index
    %w0 = memref.load %w[%c0] : memref<2xf32>
    memref.store %w0, %loss[] : memref<f32>
    return
  }
  func.func @Tiny.grad(%w: memref<2xf32> {rnnc.slot = #rnnc.slot<param "a.w", [2]>},
                       %t: memref<?xi32> {rnnc.slot = #rnnc.slot<lengths "T", ["batch"] optional>},
                       %x: memref<?x?xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", "T"]>},
                       %loss: memref<f32> {rnnc.slot = #rnnc.slot<loss "loss", []>},
                       %g: memref<2xf32> {rnnc.slot = #rnnc.slot<grad "grad.a.w", [2]>})
      attributes {rnnc.function = #rnnc.function<"Tiny" "grad", ["batch", "T"] results = 2>} {
    %c0 = arith.constant 0 : index
    %w0 = memref.load %w[%c0] : memref<2xf32>
    memref.store %w0, %loss[] : memref<f32>
    return
  }
  func.func @Tiny.update(%p: memref<16xf32> {rnnc.slot = #rnnc.slot<params "params", [16]>},
                         %g: memref<16xf32> {rnnc.slot = #rnnc.slot<grads "grads", [16]>},
                         %s: memref<4xf64> {rnnc.slot = #rnnc.slot<scalars "scalars", [4]>},
                         %q: memref<16xf32> {rnnc.slot = #rnnc.slot<params "params", [16]>},
                         %n: memref<f32> {rnnc.slot = #rnnc.slot<norm "norm", []>},
                         %f: memref<i32> {rnnc.slot = #rnnc.slot<finite "finite", []>})
      attributes {rnnc.function = #rnnc.function<"Tiny" "update", [] results = 3>} {
    return
  }
}

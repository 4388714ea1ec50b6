// Squares.cpp: the kernel by which the runtime looks at parameters.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A training that lives on a device has its gradients and new values there, and
// the host wants to know little of them: the norm of each parameter's gradient,
// and whether new values are finite. Both are sums of squares times a factor,
// which is 0 for the second: 0, or no number. A parameter has a block. The
// order of additions follows from the sizes alone.
#include "rnnc/Target/NVPTX/PTX.h"

using namespace rnnc::target;

static constexpr char kText[] = R"(
.visible .entry rnnc_rt_squares(
	.param .u64 rnnc_rt_squares_values,
	.param .u64 rnnc_rt_squares_table,
	.param .u64 rnnc_rt_squares_sums,
	.param .f64 rnnc_rt_squares_factor
)
.reqntid 256, 1, 1
{
	.reg .pred 	%p<4>;
	.reg .b32 	%r<8>;
	.reg .f32 	%f<2>;
	.reg .f64 	%d<7>;
	.reg .b64 	%rd<12>;
	.shared .align 8 .b8 rnnc_rt_squares_part[2048];

	ld.param.b64 	%rd1, [rnnc_rt_squares_values];
	ld.param.b64 	%rd2, [rnnc_rt_squares_table];
	ld.param.b64 	%rd3, [rnnc_rt_squares_sums];
	ld.param.f64 	%d1, [rnnc_rt_squares_factor];
	mov.u32 	%r1, %ctaid.x;
	mov.u32 	%r2, %tid.x;
	mul.wide.u32 	%rd4, %r1, 16;
	add.s64 	%rd5, %rd2, %rd4;
	ld.global.b64 	%rd6, [%rd5];
	ld.global.b64 	%rd7, [%rd5+8];
	cvt.u64.u32 	%rd8, %r2;
	add.s64 	%rd9, %rd6, %rd8;
	shl.b64 	%rd9, %rd9, {0};
	add.s64 	%rd9, %rd1, %rd9;
	mov.f64 	%d2, 0d0000000000000000;
$L__squares_term:
	setp.ge.u64 	%p1, %rd8, %rd7;
	@%p1 bra 	$L__squares_combine;
	{1}
	mul.rn.f64 	%d4, %d3, %d1;
	fma.rn.f64 	%d2, %d3, %d4, %d2;
	add.s64 	%rd8, %rd8, 256;
	add.s64 	%rd9, %rd9, {2};
	bra 	$L__squares_term;
$L__squares_combine:
	mov.b32 	%r3, rnnc_rt_squares_part;
	shl.b32 	%r4, %r2, 3;
	add.s32 	%r3, %r3, %r4;
	st.shared.f64 	[%r3], %d2;
	bar.sync 	0;
	mov.b32 	%r5, 128;
$L__squares_half:
	setp.ge.u32 	%p2, %r2, %r5;
	@%p2 bra 	$L__squares_wait;
	shl.b32 	%r6, %r5, 3;
	add.s32 	%r7, %r3, %r6;
	ld.shared.f64 	%d5, [%r7];
	ld.shared.f64 	%d6, [%r3];
	add.rn.f64 	%d6, %d6, %d5;
	st.shared.f64 	[%r3], %d6;
$L__squares_wait:
	bar.sync 	0;
	shr.u32 	%r5, %r5, 1;
	setp.ne.u32 	%p3, %r5, 0;
	@%p3 bra 	$L__squares_half;
	setp.ne.u32 	%p1, %r2, 0;
	@%p1 bra 	$L__squares_end;
	ld.shared.f64 	%d5, [%r3];
	mul.wide.u32 	%rd10, %r1, 8;
	add.s64 	%rd11, %rd3, %rd10;
	st.global.f64 	[%rd11], %d5;
$L__squares_end:
	ret;

}
)";

std::string nvptx::squaresKernel(bool isDouble) {
  const char *load = isDouble ? "ld.global.f64 \t%d3, [%rd9];"
                              : "ld.global.f32 \t%f1, [%rd9];\n"
                                "\tcvt.f64.f32 \t%d3, %f1;";
  std::string text = kText;
  auto put = [&](llvm::StringRef mark, llvm::StringRef what) {
    text.replace(text.find(mark), mark.size(), what);
  };
  put("{0}", isDouble ? "3" : "2");
  put("{1}", load);
  put("{2}", isDouble ? "2048" : "1024");
  return text;
}

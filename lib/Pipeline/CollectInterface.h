// CollectInterface.h: the pass that writes down what functions need.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_LIB_PIPELINE_COLLECTINTERFACE_H
#define RNNC_LIB_PIPELINE_COLLECTINTERFACE_H

namespace rnnc::pipeline {

void registerCollectInterface();

} // namespace rnnc::pipeline

#endif // RNNC_LIB_PIPELINE_COLLECTINTERFACE_H

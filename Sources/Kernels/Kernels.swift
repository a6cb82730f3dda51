// Kernels
//
// The kernel language: parse, verify, emit OpenCL C; work orders and leaves; and the referee that
// re-runs one work-group anywhere.

// Devices
//
// Kernels on an OpenCL device: the only room that knows OpenCL, linked into `starling-worker`
// alone.
//
// `OpenCL/` wraps the driver's handles, one owner each; `Run/` compiles and runs; `Confinement/`
// takes away what a worker does not need; `Wire/` is the language spoken with the Executor, one
// source for both rooms.

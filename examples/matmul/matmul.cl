// C = A × B for int32 matrices, exact modulo 2^32, row by row.
//
// A is m × k, B is k × n, C is m × n. Each group computes a tile of C; it carries tiles of A and B
// through local memory, so each number is read from global memory k / TILE times less often.

#define TILE 16

__kernel void matmul(__global const int *a, __global const int *b, __global int *c,
                     uint m, uint n, uint k)
{
    __local int tileA[TILE][TILE];
    __local int tileB[TILE][TILE];

    const uint x = get_local_id(0);
    const uint y = get_local_id(1);
    const uint column = get_global_id(0);
    const uint row = get_global_id(1);

    int sum = 0;
    for (uint start = 0; start < k; start += TILE) {
        // Outside the matrices the tiles hold zeros.
        tileA[y][x] = row < m && start + x < k ? a[row * k + start + x] : 0;
        tileB[y][x] = column < n && start + y < k ? b[(start + y) * n + column] : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint i = 0; i < TILE; i++) sum += tileA[y][i] * tileB[i][x];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (row < m && column < n) c[row * n + column] = sum;
}

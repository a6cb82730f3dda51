/// Valid kernels that together use most of the language.
enum Samples {
    static let sources = [Self.mixture, Self.reduction, Self.tiles, Self.picture]

    static let mixture = """
        typedef unsigned char u8;
        #define TWICE(x) ((x) + (x))
        __constant int table[2][3] = {{1, 2, 3}, {-4, 5}};
        static int pick(int a, int b) {
            if (a > b) return a - b;
            for (int i = 0; i < 5; i++) { if (i == b % 7) return i; }
            return b / a;
        }
        static void both(__global const int *p, int i, int *lo, int *hi) {
            *lo = p[i] & 0xff;
            *hi = p[i] >> 24;
        }
        __kernel void mixture(__global const int *in, __global int *out, __global float *floats,
                              uint n, float scale) {
            int i = get_global_id(0);
            if (i >= n) return;
            int lo, hi;
            both(in, i, &lo, &hi);
            int tmp[4] = {1, 2, 3};
            tmp[lo & 3] += hi;
            tmp[(hi >> 2) & 7]--;
            int4 v = (int4)(lo, hi, in[i + 1], -7);
            v.yx = v.xy;
            v = v / (int4)(hi, 0, -1, 2);
            v.s3 ^= v.hi.x << (lo + 30);
            uchar4 c = rotate(convert_uchar4_sat(v) + (uchar4)(200), (uchar4)(3));
            int r = table[lo & 1][hi & 3];
            switch (lo % 5) {
                case 0: r = 1; break;
                case 1: r += 2;
                case 2: r += 4; break;
                default: if (hi > 3) break; r = 9;
            }
            do { r++; if (r % 3 == 0) continue; r += 2; } while (r < 40);
            __global const int *q = in + 2;
            q += i;
            for (int k = 0; k < 3; ++k, q++) r += *q >> k;
            r += (lo++ < 100 && hi-- > -5) ? lo : hi;
            float f = as_float(in[i]) * scale;
            float4 g = fmin((float4)(f, sqrt(f), f / 3.0f, fma(f, f, 1.0f)), (float4)(2.0f));
            u8 b = TWICE(r);
            bool z = f > 0.5f;
            out[i] = pick(lo, hi) + tmp[1] + v.x + c.y + r + b + z + convert_int_rte(f);
            floats[i] = f < 0 ? floor(f) : g.x + g.w;
        }
        """

    static let reduction = """
        __kernel void sum(__global const uint *in, __global uint *partial, uint n) {
            __local uint s[64];
            const size_t l = get_local_id(0), i = get_global_id(0);
            s[l] = i < n ? in[i] : 0;
            barrier(CLK_LOCAL_MEM_FENCE);
            for (uint w = 32; w > 0; w >>= 1) {
                if (l < w) s[l] += s[l + w];
                barrier(CLK_LOCAL_MEM_FENCE);
            }
            if (l == 0) partial[get_group_id(0)] = s[0];
        }
        """

    static let tiles = """
        #define TILE 4
        __kernel __attribute__((reqd_work_group_size(TILE, TILE, 1)))
        void matmul(__global const int *a, __global const int *b, __global int *c,
                    uint m, uint n, uint k) {
            __local int ta[TILE][TILE];
            __local int tb[TILE][TILE];
            uint x = get_local_id(0), y = get_local_id(1);
            uint column = get_global_id(0), row = get_global_id(1);
            int sum = 0;
            for (uint start = 0; start < k; start += TILE) {
                ta[y][x] = row < m && start + x < k ? a[row * k + start + x] : 0;
                tb[y][x] = column < n && start + y < k ? b[(start + y) * n + column] : 0;
                barrier(CLK_LOCAL_MEM_FENCE);
                for (uint i = 0; i < TILE; i++) sum += ta[y][i] * tb[i][x];
                barrier(CLK_LOCAL_MEM_FENCE);
            }
            if (row < m && column < n) c[row * n + column] = sum;
        }
        """

    static let picture = """
        __kernel void grey(__global const uchar *rgb, __global uchar *copy, int width, int height) {
            int x = get_global_id(0), y = get_global_id(1);
            if (x < width && y < height) {
                uchar3 p = vload3(y * width + x, rgb);
                p = (uchar3)((p.x + p.y + p.z) / 3);
                vstore3(p, y * width + x, copy);
            }
        }
        """
}

// A painting from a photograph: the generalised Kuwahara filter, in integers.
//
// Around each pixel lie eight overlapping sectors, here eight squares of (R + 1) × (R + 1) pixels whose
// offsets go around the pixel. A sector that crosses an edge has a large variance, a sector inside one
// surface a small one. The pixel becomes the mean of the sectors, each weighted by a high power of
// 1 / (1 + variance): flat patches with crisp borders, as brush strokes are.

#ifndef R
#define R 4
#endif

#define SIDE (R + 1)
#define AREA (SIDE * SIDE)

// Upper left corners of the eight sectors, in units of R, from -2 to 0 (halves).
__constant char cornerX[8] = {-2, -1, 0, 0, 0, -1, -2, -2};
__constant char cornerY[8] = {-2, -2, -2, -1, 0, 0, 0, -1};

// Brightness of a colour, 0...255.
static int luma(int red, int green, int blue)
{
    return (77 * red + 150 * green + 29 * blue) >> 8;
}

// A weight that falls with the fourth power of the spread, in 16 bits.
static uint weigh(uint variance)
{
    const uint soft = 65535u / (16u + variance);
    return max(soft * soft >> 8, 1u);
}

__kernel void paint(__global const uchar *photo, __global uchar *painting, int width, int height)
{
    const int x = get_global_id(0);
    const int y = get_global_id(1);
    if (x >= width || y >= height) return;

    ulong total = 0;
    ulong red = 0, green = 0, blue = 0;
    for (int sector = 0; sector < 8; sector++) {
        const int left = x + cornerX[sector] * R / 2;
        const int top = y + cornerY[sector] * R / 2;
        int r = 0, g = 0, b = 0, sum = 0;
        uint squares = 0;
        for (int dy = 0; dy < SIDE; dy++) {
            const int row = clamp(top + dy, 0, height - 1) * width;
            for (int dx = 0; dx < SIDE; dx++) {
                const int at = (row + clamp(left + dx, 0, width - 1)) * 3;
                const int pr = photo[at], pg = photo[at + 1], pb = photo[at + 2];
                const int light = luma(pr, pg, pb);
                r += pr;
                g += pg;
                b += pb;
                sum += light;
                squares += light * light;
            }
        }
        // Variance of brightness times AREA².
        const uint spread = squares * AREA - (uint)(sum * sum);
        const ulong weight = weigh(spread / (AREA * AREA));
        total += weight;
        red += weight * r;
        green += weight * g;
        blue += weight * b;
    }
    total *= AREA;
    const int out = (y * width + x) * 3;
    painting[out] = (uchar)((red + total / 2) / total);
    painting[out + 1] = (uchar)((green + total / 2) / total);
    painting[out + 2] = (uchar)((blue + total / 2) / total);
}

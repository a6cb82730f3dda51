// A photograph becomes a painting: the Kuwahara filter.
//
// Around each pixel lie four overlapping squares. The most even of them gives the pixel its mean
// colour, so that surfaces turn flat and edges stay sharp. Integers only: every device agrees on
// every bit.
//
// Source: Kuwahara, Hachimura, Eiho, Kinoshita, "Processing of RI-angiocardiographic images", 1976.

#define RADIUS 5
#define PIXELS ((RADIUS + 1) * (RADIUS + 1))

__kernel void kuwahara(__global const uchar *image, __global uchar *painting, int width, int height)
{
    int x = get_global_id(0);
    int y = get_global_id(1);
    if (x >= width || y >= height)
        return;

    int least = 0x7fffffff;
    int red = 0, green = 0, blue = 0;
    for (int quadrant = 0; quadrant < 4; quadrant++) {
        int left = (quadrant & 1) ? x : x - RADIUS;
        int top = (quadrant & 2) ? y : y - RADIUS;
        int reds = 0, greens = 0, blues = 0, sum = 0, squares = 0;
        for (int dy = 0; dy <= RADIUS; dy++) {
            int py = clamp(top + dy, 0, height - 1);
            for (int dx = 0; dx <= RADIUS; dx++) {
                int px = clamp(left + dx, 0, width - 1);
                int at = (py * width + px) * 3;
                int r = image[at];
                int g = image[at + 1];
                int b = image[at + 2];
                int luma = (77 * r + 151 * g + 28 * b) >> 8;
                reds += r;
                greens += g;
                blues += b;
                sum += luma;
                squares += luma * luma;
            }
        }
        int unevenness = squares * PIXELS - sum * sum;
        if (unevenness < least) {
            least = unevenness;
            red = reds / PIXELS;
            green = greens / PIXELS;
            blue = blues / PIXELS;
        }
    }

    int out = (y * width + x) * 3;
    painting[out] = (uchar)red;
    painting[out + 1] = (uchar)green;
    painting[out + 2] = (uchar)blue;
}

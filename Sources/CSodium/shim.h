#pragma once
#include <sodium.h>
#include <string.h>

// libsodium's incremental state is packed and 64-byte aligned, which Swift does not import. Ours holds
// the same bytes; each call works on an aligned copy (a few nanoseconds beside a compression).
typedef struct {
    unsigned long long words[48];
} starling_blake2b_state;

_Static_assert(sizeof(starling_blake2b_state) >= sizeof(crypto_generichash_blake2b_state), "state fits");

static inline int starling_blake2b_init(starling_blake2b_state *state, const unsigned char *salt,
                                        const unsigned char *personal) {
    crypto_generichash_blake2b_state copy;
    int rc = crypto_generichash_blake2b_init_salt_personal(&copy, NULL, 0, 32, salt, personal);
    memcpy(state, &copy, sizeof copy);
    return rc;
}

static inline void starling_blake2b_update(starling_blake2b_state *state, const unsigned char *bytes,
                                           unsigned long long count) {
    crypto_generichash_blake2b_state copy;
    memcpy(&copy, state, sizeof copy);
    crypto_generichash_blake2b_update(&copy, bytes, count);
    memcpy(state, &copy, sizeof copy);
}

static inline void starling_blake2b_final(const starling_blake2b_state *state, unsigned char *out) {
    crypto_generichash_blake2b_state copy;
    memcpy(&copy, state, sizeof copy);
    crypto_generichash_blake2b_final(&copy, out, 32);
}

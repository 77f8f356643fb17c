/* Element-wise functions between the layers of a network. */
#ifndef FNAS_COMPUTE_ACTIVATION_H
#define FNAS_COMPUTE_ACTIVATION_H

typedef enum fnas_activation {
    FNAS_ACTIVATION_NONE,
    FNAS_ACTIVATION_RELU,
    FNAS_ACTIVATION_HARD_SWISH,  /* x * min(max(x + 3, 0), 6) / 6 (Howard et al. 2019) */
    FNAS_ACTIVATION_HARD_SIGMOID /* min(max(x + 3, 0), 6) / 6; not 0 at 0 */
} fnas_activation;

#endif

#include "asking.h"

fnas_front_options cli_asking_options(const cli_asking *asking) {
    return (fnas_front_options){.points = asking->points,
                                .candidates = asking->candidates,
                                .neighbours = asking->neighbours,
                                .score_error = true,
                                .fill = asking->fill,
                                .predicted_only = asking->predicted_only,
                                .as_offered = asking->as_offered,
                                .data = asking->data};
}

#include "beams.h"

fnas_status cli_beam_read(const char *verb, cli_beam *beam, fnas_beam_options *options) {
    if (beam->length_penalty && !cli_parse_real(beam->length_penalty, &beam->number))
        return cli_fail(verb, FNAS_ERR_USAGE, "--length-penalty %s: is no number", beam->length_penalty);
    *options = (fnas_beam_options){.width = beam->width, .length_penalty = beam->length_penalty ? &beam->number : NULL};
    return FNAS_OK;
}

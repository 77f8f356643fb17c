/* A user's program: what fleetnas knows of an architecture, how fronts are compared, and what a run answers for a device.
 *
 *     example_front                    works without any file
 *     example_front RUN CARD.json      also prints the front of that device: a few milliseconds, since no error is scored */
#include <stdio.h>

#include <fleetnas/fleetnas.h>

/* Every call that can fail returns a status; the message says what is at fault. */
static int complain(const fnas_context *context, fnas_status status) {
    fprintf(stderr, "%s: %s\n", fnas_status_text(status), fnas_context_message(context));
    return fnas_status_exit_code(status);
}

static fnas_status print_architecture(fnas_context *context, const fnas_space *space, const char *arch) {
    int32_t choices[64];
    if (fnas_space_decision_count(space) > 64) return FNAS_ERR_UNSUPPORTED;
    fnas_status status = fnas_space_parse(context, space, arch, choices);
    if (status != FNAS_OK) return status;
    printf("%s\n  %lld MACs, %lld parameters\n", arch, (long long)fnas_space_macs(space, choices),
           (long long)fnas_space_params(space, choices));
    for (int64_t i = 0; i < fnas_space_decision_count(space); i++) {
        printf("  %s: %s\n", fnas_space_decision_name(space, i), fnas_space_choice_name(space, i, choices[i]));
    }
    return FNAS_OK;
}

/* Three points (error in %, latency in ms), of which the last is dominated; all objectives are minimised. */
static fnas_status print_hypervolume(fnas_context *context) {
    const double points[] = {8.0, 3.0, 12.0, 1.5, 13.0, 2.0}, reference[] = {20.0, 4.0};
    uint8_t keep[3];
    double volume;
    fnas_status status = fnas_front_nondominated(context, 3, 2, points, keep);
    if (status == FNAS_OK) status = fnas_front_hypervolume(context, 3, 2, points, reference, &volume);
    if (status != FNAS_OK) return status;
    printf("non-dominated: %d %d %d; hypervolume up to (20 %%, 4 ms): %g\n", keep[0], keep[1], keep[2], volume); /* 12 x 1 + 8 x 1.5 */
    return FNAS_OK;
}

static fnas_status print_front(fnas_context *context, const fnas_run *run, const fnas_card *card) {
    fnas_front *front;
    fnas_status status = fnas_run_front(context, run, card, &(fnas_front_options){.points = 24, .score_error = false}, &front);
    if (status != FNAS_OK) return status;
    printf("%lld architectures for %s\n", (long long)fnas_front_point_count(front), fnas_front_device(front));
    for (int64_t i = 0; i < fnas_front_point_count(front); i++) {
        printf("  %s", fnas_front_arch(front, i));
        for (int64_t k = 0; k < fnas_front_objective_count(front); k++) {
            fnas_front_objective objective = fnas_front_objective_at(front, k);
            printf("  %s %.4g %s", objective.name, fnas_front_values(front, i)[k], objective.unit); /* error: nan, it was not scored */
        }
        printf("\n");
    }
    fnas_front_free(front);
    return FNAS_OK;
}

static fnas_status ask_run(fnas_context *context, const char *run_path, const char *card_path) {
    fnas_run *run;
    fnas_status status = fnas_run_open(context, run_path, &run);
    if (status != FNAS_OK) return status;
    fnas_card *card = NULL;
    status = fnas_card_load(context, card_path, &card);
    if (status == FNAS_OK) status = print_front(context, run, card);
    fnas_card_free(card);
    fnas_run_close(run);
    return status;
}

int main(int argc, char **argv) {
    fnas_context *context;
    fnas_space *space = NULL;
    if (fnas_context_create(&context) != FNAS_OK) return 1;
    fnas_status status = fnas_space_open(context, "nb201:channels=16,cells=5,classes=10,input=3x32x32", &space);
    if (status == FNAS_OK) {
        status = print_architecture(context, space,
                                    "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_3x3~2|");
    }
    if (status == FNAS_OK) status = print_hypervolume(context);
    if (status == FNAS_OK && argc == 3) status = ask_run(context, argv[1], argv[2]);
    int exit_code = status == FNAS_OK ? 0 : complain(context, status);
    fnas_space_close(space);
    fnas_context_destroy(context);
    return exit_code;
}

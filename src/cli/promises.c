#include "promises.h"

#include "options.h"

static void promises_print_device(const fnas_verification *verification, int64_t index) {
    const fnas_verify_device *device = fnas_verification_device(verification, index);
    printf("%s (%s): %lld architecture%s\n", device->name, device->searched ? "searched" : "never seen by the search",
           (long long)device->front_points, device->front_points == 1 ? "" : "s");
    printf("%13s %12s %19s %13s  architecture\n", "predicted ms", "measured ms", "validation error %", "test error %");
    for (int64_t r = 0; r < fnas_verification_row_count(verification, index); r++) {
        fnas_verify_row row = fnas_verification_row(verification, index, r);
        cli_print_cell(13, 5, row.predicted_ms);
        cli_print_cell(13, 5, row.measured_ms);
        cli_print_cell(20, 4, row.validation_error_pct);
        cli_print_cell(14, 4, row.test_error_pct);
        printf("  %s\n", row.arch);
    }
    printf("  latency, predicted against measured: median relative error %.1f %%, rank correlation ", device->median_ape_pct);
    cli_print_cell(0, 3, device->spearman);
    printf("\n  the machine now takes %.2f times as long as its card says, by the card's ten references", device->slowdown);
    printf("\n  best test accuracy with the shared weights: %.1f %%\n\n", device->best_accuracy_pct);
}

static void promises_print_summary(const fnas_verification *verification, bool ablated) {
    printf("Hypervolume, error on the test part and measured latency (larger is better)\n%-24s %9s %9s %9s %9s", "device", "", "front",
           "random", "untrained");
    if (ablated) printf(" %14s %14s", "mean embedding", "constant pref.");
    printf("\n");
    for (int64_t i = 0; i < fnas_verification_count(verification); i++) {
        const fnas_verify_device *device = fnas_verification_device(verification, i);
        printf("%-24s %9s %9.4f %9.4f %9.4f", device->name, device->searched ? "searched" : "unseen", device->hypervolume,
               device->hypervolume_random, device->hypervolume_untrained);
        if (ablated) printf(" %14.4f %14.4f", device->hypervolume_mean_embedding, device->hypervolume_constant_preference);
        printf("\n");
    }
}

static void promises_print_left_out(const fnas_verification *verification) {
    int64_t count = fnas_verification_left_out_count(verification);
    if (count) printf("\nLeft out\n");
    for (int64_t i = 0; i < count; i++) {
        fnas_verify_left_out left_out = fnas_verification_left_out(verification, i);
        printf("%-24s %s\n", left_out.name, left_out.reason);
    }
}

void cli_promises_print(const fnas_verification *verification, bool ablated) {
    for (int64_t i = 0; i < fnas_verification_count(verification); i++) promises_print_device(verification, i);
    promises_print_summary(verification, ablated);
    promises_print_left_out(verification);
}

fnas_status cli_promises_conclude(const char *verb, const fnas_verification *verification) {
    int64_t failed = 0;
    for (int64_t i = 0; i < fnas_verification_left_out_count(verification); i++)
        failed += fnas_verification_left_out(verification, i).status == FNAS_ERR_NUMERIC;
    if (!failed) return FNAS_OK;
    return cli_fail(verb, FNAS_ERR_NUMERIC,
                    "%lld of the devices could not be measured, see the reasons above: try them again, on a quiet machine",
                    (long long)failed);
}

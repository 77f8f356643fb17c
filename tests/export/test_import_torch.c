/* State dictionaries become safetensors: under their own names, or as the shared weights of a space, whole and of its shapes. */
#include "base/support.h"

#include "base/support_torch.h"
#include "export/safetensors.h"
#include "fleetnas/weights.h"
#include "space/space.h"

#define SPEC "mobilenetv3:width=1.0,classes=10"
#define RAMP_COUNT (1280 * 960 + 300) /* the largest tensor's, and places to begin at */

/* Tensor i of every state dictionary here begins at number i of one storage, 0, 1/1024, 2/1024, ... */
static float *ramp;

static int make_ramp(void **state) {
    (void)state;
    ramp = malloc(RAMP_COUNT * sizeof *ramp);
    if (!ramp) return -1;
    for (int64_t i = 0; i < RAMP_COUNT; i++) ramp[i] = (float)i / 1024;
    return 0;
}

static int free_ramp(void **state) {
    (void)state;
    free(ramp);
    return 0;
}

/* What is done to the published supernet. */
typedef struct spoiling {
    const char *left_out;  /* a name of ours; all that contain it */
    const char *misshapen; /* a name of ours: its last axis is one longer */
    const char *extra;     /* another tensor's name */
    bool old_names;        /* "module." and mobile_inverted_conv */
} spoiling;

/* As files of training on several devices have it. */
static void old_name(const char *name, bytes_buffer *text) {
    const char *at = strstr(name, ".conv.");
    size_t front = strncmp(name, "blocks.", 7) == 0 && at ? (size_t)(at - name) : 0;
    torch_add(text, "module.");
    bytes_add(text, name, front);
    if (front) torch_add(text, ".mobile_inverted_conv.");
    torch_add(text, front ? at + strlen(".conv.") : name);
    bytes_add_byte(text, 0);
}

static void add_weight(bytes_buffer *pickle, const fnas_parameter *item, int64_t place, const spoiling *spoilt) {
    char name[200];
    bytes_buffer old = {0};
    int64_t shape[4];
    if (spoilt->left_out && strstr(item->name, spoilt->left_out)) return;
    memcpy(shape, item->shape, sizeof shape);
    if (spoilt->misshapen && strcmp(item->name, spoilt->misshapen) == 0) shape[item->rank - 1]++;
    assert_true(fnas_space_mobilenetv3.to_published(item->name, name, sizeof name));
    old_name(name, &old);
    torch_entry(pickle, spoilt->old_names ? (const char *)old.data : name, "0", RAMP_COUNT, place, item->rank, shape);
    bytes_free(&old);
}

/* The published supernet's file, with the statistics of one norm and, where the space declares none, two kernel transforms. */
static const char *write_supernet(fnas_test_place *place, const fnas_parameters *parameters, const spoiling *spoilt) {
    static const char *const statistics[] = {"first_conv.bn.running_mean", "first_conv.bn.running_var"};
    const torch_data storages[] = {{"0", ramp, RAMP_COUNT, RAMP_COUNT * sizeof *ramp}, {"1", "\1\0\0\0\0\0\0\0", 1, 8}};
    bytes_buffer pickle = {0}, file = {0};
    torch_begin(&pickle);
    for (int64_t i = 0; i < parameters->item_count; i++) add_weight(&pickle, &parameters->items[i], i, spoilt);
    for (int i = 0; i < 2; i++) torch_entry(&pickle, statistics[i], "0", RAMP_COUNT, 0, 1, (int64_t[]){16});
    pickle_text(&pickle, "first_conv.bn.num_batches_tracked");
    torch_tensor(&pickle, "ctorch\nLongStorage\n", "1", 1, 0, 0, NULL, NULL);
    if (fnas_parameters_find(parameters, "stage0.unit0.depthwise.transform5") == FNAS_PARAMETER_NONE) {
        torch_entry(&pickle, "blocks.1.conv.depth_conv.conv.7to5_matrix", "0", RAMP_COUNT, 0, 2, (int64_t[]){25, 25});
        torch_entry(&pickle, "blocks.1.conv.depth_conv.conv.5to3_matrix", "0", RAMP_COUNT, 0, 2, (int64_t[]){9, 9});
    }
    if (spoilt->extra) torch_entry(&pickle, spoilt->extra, "0", RAMP_COUNT, 0, 1, (int64_t[]){3});
    torch_end(&pickle);
    torch_legacy(&file, &pickle, storages, 2, 0x88);
    const char *path = fnas_test_write(place, "net.pth", file.data, file.size);
    bytes_free(&file);
    bytes_free(&pickle);
    return path;
}

typedef struct supernet {
    fnas_space *space;
    fnas_parameters parameters;
} supernet;

static supernet open_supernet(fnas_test_place *place) {
    supernet net = {0};
    assert_status(FNAS_OK, fnas_space_open(place->context, SPEC, &net.space));
    assert_status(FNAS_OK, fnas_space_declare(place->context, net.space, &net.parameters));
    return net;
}

static void close_supernet(supernet *net) {
    fnas_parameters_free(&net->parameters);
    fnas_space_close(net->space);
}

static void assert_weights(const fnas_test_place *place, const fnas_safetensors *file, const fnas_parameters *parameters) {
    int64_t count;
    fnas_safetensors_tensors(file, &count);
    assert_int_equal(count, parameters->item_count);
    for (int64_t i = 0; i < parameters->item_count; i++) {
        const fnas_parameter *item = &parameters->items[i];
        const void *data;
        assert_status(FNAS_OK,
                      fnas_safetensors_get(place->context, file, item->name, FNAS_SAFETENSORS_F32, item->rank, item->shape, &data));
        assert_memory_equal(data, ramp + i, (size_t)item->count * sizeof *ramp);
    }
}

static void a_supernet_becomes_shared_weights(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place);
    for (int old = 0; old < 2; old++) {
        fnas_weights_imported imported;
        fnas_safetensors *file;
        const char *path = write_supernet(place, &net.parameters, &(spoiling){.old_names = old});
        const char *output = fnas_test_path(place, "net.safetensors");
        assert_status(FNAS_OK, fnas_weights_import_torch(place->context, path, net.space, output, &imported));
        assert_int_equal(imported.tensors, net.parameters.item_count);
        assert_int_equal(imported.statistics, 2);
        assert_int_equal(imported.integers, 1);
        bool declared = fnas_parameters_find(&net.parameters, "stage0.unit0.depthwise.transform5") != FNAS_PARAMETER_NONE;
        assert_int_equal(imported.transforms, declared ? 0 : 2);
        assert_status(FNAS_OK, fnas_safetensors_read(place->context, output, (size_t)1 << 30, &file));
        assert_string_equal(fnas_safetensors_metadata(file, "format"), "fleetnas-weights/1");
        assert_string_equal(fnas_safetensors_metadata(file, "space"), SPEC);
        assert_weights(place, file, &net.parameters);
        fnas_safetensors_free(file);
    }
    close_supernet(&net);
}

static void refuse(fnas_test_place *place, const supernet *net, const spoiling *spoilt, const char *words) {
    const char *path = write_supernet(place, &net->parameters, spoilt), *output = fnas_test_path(place, "none.safetensors");
    assert_status(FNAS_ERR_INPUT, fnas_weights_import_torch(place->context, path, net->space, output, NULL));
    assert_message("net.pth: not the weights of this space");
    assert_message(words);
    assert_int_not_equal(access(output, F_OK), 0);
}

static void other_networks_are_refused(void **state) {
    fnas_test_place *place = *state;
    supernet net = open_supernet(place);
    refuse(place, &net, &(spoiling){.left_out = "stem.conv.beta"}, ": 1 tensor is missing: \"first_conv.bn.bias\"");
    refuse(place, &net, &(spoiling){.left_out = "stage4.unit3.reduce"},
           "2 tensors are missing: \"blocks.20.conv.depth_conv.se.fc.reduce.weight\", \"blocks.20.conv.depth_conv.se.fc.reduce.bias\"");
    refuse(place, &net, &(spoiling){.left_out = "stage2.unit1.project"}, "3 tensors are missing");
    refuse(place, &net, &(spoiling){.left_out = "project.gamma"},
           "21 tensors are missing: \"blocks.0.conv.point_linear.bn.weight\", \"blocks.1.conv.point_linear.bn.weight\", "
           "\"blocks.2.conv.point_linear.bn.weight\" and 18 more");
    refuse(place, &net, &(spoiling){.misshapen = "head.classifier.bias"},
           "1 tensor has another shape: \"classifier.linear.bias\" has [11], expected [10]");
    refuse(place, &net, &(spoiling){.misshapen = "first.project"},
           "\"blocks.0.conv.point_linear.conv.weight\" has [16, 16, 1, 2], expected [16, 16, 1, 1]");
    refuse(place, &net, &(spoiling){.extra = "other.weight"}, "1 tensor is none of the space's: \"other.weight\"");
    refuse(place, &net, &(spoiling){.extra = "other.bn.running_mean"}, "none of the space's: \"other.bn.running_mean\"");
    /* Squeeze and excitation where the stage has none. */
    refuse(place, &net, &(spoiling){.extra = "blocks.1.conv.depth_conv.se.fc.reduce.bias"}, "1 tensor is none of the space's: \"blocks.1.");
    refuse(place, &net, &(spoiling){.extra = "module.classifier.linear.linear.bias"},
           "1 tensor stands there under another name already: \"module.classifier.linear.linear.bias\"");
    refuse(place, &net, &(spoiling){.left_out = "stem.conv.beta", .misshapen = "first.project", .extra = "x"}, "is missing: ");
    assert_message("; 1 tensor is none of the space's: \"x\"; 1 tensor has another shape: ");
    close_supernet(&net);
}

static void without_a_space_names_stay(void **state) {
    fnas_test_place *place = *state;
    static const char *const paths[] = {FNAS_TEST_FILES "/torch/zip.pth", FNAS_TEST_FILES "/torch/old.pth",
                                        FNAS_TEST_FILES "/torch/nested.pth"};
    for (int i = 0; i < 3; i++) {
        fnas_weights_imported imported;
        fnas_safetensors *file;
        const void *data;
        const char *output = fnas_test_path(place, "net.safetensors");
        assert_status(FNAS_OK, fnas_weights_import_torch(place->context, paths[i], NULL, output, &imported));
        assert_int_equal(imported.tensors, 9);
        assert_int_equal(imported.numbers, 24 + 24 + 6 + 4 + 2 + 1 + 1 + 4);
        assert_int_equal(imported.integers, 1);
        assert_int_equal(imported.statistics + imported.transforms, 0);
        assert_status(FNAS_OK, fnas_safetensors_read(place->context, output, 1 << 20, &file));
        assert_null(fnas_safetensors_metadata(file, "space"));
        assert_null(fnas_safetensors_find(file, "count"));
        assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, "ramp.part", FNAS_SAFETENSORS_F32, 2, (int64_t[]){2, 3}, &data));
        assert_memory_equal(data, ((float[]){8, 9, 10, 14, 15, 16}), 6 * sizeof(float));
        assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, "scalar", FNAS_SAFETENSORS_F32, 0, NULL, &data));
        assert_status(FNAS_OK, fnas_safetensors_get(place->context, file, "empty", FNAS_SAFETENSORS_F32, 2, (int64_t[]){0, 3}, &data));
        fnas_safetensors_free(file);
    }
}

/* The space's own names where no network of it was published. */
static void spaces_without_published_names(void **state) {
    fnas_test_place *place = *state;
    fnas_space *space = NULL;
    fnas_parameters parameters = {0};
    bytes_buffer pickle = {0}, file = {0};
    const torch_data storages[] = {{"0", ramp, RAMP_COUNT, RAMP_COUNT * sizeof *ramp}};
    assert_status(FNAS_OK, fnas_space_open(place->context, "nb201:channels=4,cells=1,classes=4,input=1x8x8", &space));
    assert_status(FNAS_OK, fnas_space_declare(place->context, space, &parameters));
    torch_begin(&pickle);
    for (int64_t i = 0; i < parameters.item_count; i++) {
        const fnas_parameter *item = &parameters.items[i];
        torch_entry(&pickle, item->name, "0", RAMP_COUNT, i % 300, item->rank, item->shape);
    }
    torch_end(&pickle);
    torch_archive(&file, &pickle, storages, 1, "little");
    const char *path = fnas_test_write(place, "nb.pth", file.data, file.size), *output = fnas_test_path(place, "nb.safetensors");
    fnas_weights_imported imported;
    assert_status(FNAS_OK, fnas_weights_import_torch(place->context, path, space, output, &imported));
    assert_int_equal(imported.tensors, parameters.item_count);
    bytes_free(&file);
    bytes_free(&pickle);
    fnas_parameters_free(&parameters);
    fnas_space_close(space);
}

/* A file that cannot be replaced is left as it was. */
static void a_refused_file_leaves_the_old_one(void **state) {
    fnas_test_place *place = *state;
    static const char old[] = "as it was";
    char found[32] = "";
    const char *output = fnas_test_write_text(place, "kept.safetensors", old),
               *path = fnas_test_write_text(place, "bad.pth", "PK no archive");
    assert_status(FNAS_ERR_INPUT, fnas_weights_import_torch(place->context, path, NULL, output, NULL));
    FILE *file = fopen(output, "rb");
    assert_non_null(file);
    assert_int_equal(fread(found, 1, sizeof found, file), strlen(old));
    fclose(file);
    assert_string_equal(found, old);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(a_supernet_becomes_shared_weights), fnas_test(other_networks_are_refused),        fnas_test(without_a_space_names_stay),
        fnas_test(spaces_without_published_names),    fnas_test(a_refused_file_leaves_the_old_one),
    };
    return cmocka_run_group_tests(tests, make_ramp, free_ramp);
}
